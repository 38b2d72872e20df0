"""Tests audiolm_jax/bundle/hub.py, and what finds bundles through it."""

import hashlib
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy
import soundfile
import tiny

from audiolm_jax import described
from audiolm_jax.bundle import folder as bundle_folder
from audiolm_jax.bundle import hub
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.bundle.collecting import collect
from audiolm_jax.errors import UserError
from audiolm_jax.generation.audiolm import AudioLM
from tests.bundle import fake_hub

OLDER = 'f' * 40


def refused(where, *said):
  """The one line that loading says."""
  with pytest.raises(UserError) as error:
    Bundle.load(where)
  line = str(error.value)
  assert '\n' not in line and '\\n' not in line
  assert all(word in line for word in said), line


def test_a_bundle_in_the_cache_loads_without_the_hub(cache, folder):
  fake_hub.keep(cache, 'org/tiny', fake_hub.files(folder))
  bundle = Bundle.load('hf://org/tiny')
  assert bundle.fingerprint == tiny.bundle().fingerprint
  assert bundle.where == 'hf://org/tiny'
  lm = AudioLM.load('hf://org/tiny')
  assert lm.sample_rate == tiny.RATE


@pytest.mark.parametrize('revision', ['main', 'v1', OLDER])
def test_a_revision_is_the_one_that_is_asked_for(cache, folder, revision):
  fake_hub.keep(cache, 'org/tiny', fake_hub.files(folder))
  older = Bundle({'classifier': tiny.classifier()})
  older.save(cache / 'older', '', float16=())
  contents = fake_hub.files(cache / 'older')
  fake_hub.keep(cache, 'org/tiny', contents, 'v1', OLDER)
  wanted = tiny.bundle() if revision == 'main' else older
  found = Bundle.load(f'hf://org/tiny@{revision}')
  assert found.fingerprint == wanted.fingerprint


def test_all_that_reads_bundles_takes_an_address(cache, folder):
  fake_hub.keep(cache, 'org/tiny', fake_hub.files(folder))
  where = 'hf://org/tiny'
  assert set(bundle_folder.read(where)) == set(tiny.bundle().parts)
  assert set(bundle_folder.weights(where, 'fine')) == {'config', 'params'}
  assert set(collect([where])) == set(tiny.bundle().parts)
  assert not bundle_folder.is_shipped(where)


def test_only_the_files_of_a_bundle_are_downloaded(serve, folder):
  others = {'model.bin': b'pickle', 'run.py': b'', 'x.safetensors': b''}
  server = serve({'org/tiny': fake_hub.files(folder) | others})
  bundle = Bundle.load('hf://org/tiny')
  assert bundle.fingerprint == tiny.bundle().fingerprint
  assert set(server.asked) == set(fake_hub.files(folder))
  # A commit never changes: it is read from the cache.
  server.asked.clear()
  Bundle.load(f'hf://org/tiny@{fake_hub.COMMIT}')
  assert not server.asked


def test_what_is_not_there_is_one_line(serve, folder):
  server = serve({'org/tiny': fake_hub.files(folder), 'org/else': {'a': b'b'}})
  refused(
      'hf://org/nothing', 'hf://org/nothing', 'not on the hub', 'auth login'
  )
  refused('hf://org/tiny@v9', 'hf://org/tiny@v9', 'no such revision')
  refused('hf://org/else', 'hf://org/else', 'no bundle.json')
  server.shutdown()
  server.server_close()
  refused('hf://org/nothing', 'cannot be reached', 'HF_HUB_OFFLINE')


def test_offline_and_not_in_the_cache_is_one_line(cache, folder):
  refused('hf://org/tiny', 'hf://org/tiny', 'cannot be reached')
  fake_hub.keep(cache, 'org/tiny', fake_hub.files(folder))
  refused('hf://org/tiny@v9', 'hf://org/tiny@v9', 'cannot be reached')
  fake_hub.keep(cache, 'org/else', {'README.md': b'# Something else'})
  refused('hf://org/else', 'no bundle.json')


@pytest.mark.parametrize(
    'name',
    [
        '',
        'tiny',
        'org/',
        '/tiny',
        'org/tiny/fine',
        'org/tiny@',
        'org/tiny@a b',
        'org/tiny@../../x',
        'org/tiny@v/../../x',
        'org/..',
        '../tiny',
        'org/a--b',
        'org/a\nb',
        'örg/tiny',
    ],
)
def test_a_malformed_name_is_one_line(cache, name):
  with pytest.raises(UserError, match='hf://ORG/NAME') as error:
    Bundle.load(f'hf://{name}')
  assert len(str(error.value).splitlines()) == 1


def test_only_an_address_needs_the_library(monkeypatch, folder):
  monkeypatch.setitem(sys.modules, 'huggingface_hub', None)
  refused('hf://org/tiny', "pip install 'audiolm_jax[hub]'")
  assert Bundle.load(folder).fingerprint == tiny.bundle().fingerprint


def test_weights_from_the_hub_are_trusted_no_more_than_others(cache, folder):
  contents = fake_hub.files(folder)
  name = 'fine.safetensors'
  damaged = contents | {name: contents[name][:-1] + b'x'}
  fake_hub.keep(cache, 'org/damaged', damaged)
  refused('hf://org/damaged', name, 'damaged')
  crafted = safetensors.numpy.save({'params/w': np.zeros(2, np.float32)})
  index = json.loads(contents['bundle.json'])
  index['parts']['fine']['sha256'] = hashlib.sha256(crafted).hexdigest()
  del index['seal']
  contents |= {name: crafted, 'bundle.json': described.write(index).encode()}
  fake_hub.keep(cache, 'org/crafted', contents)
  bundle = Bundle.load('hf://org/crafted')
  with pytest.raises(UserError, match='fine of hf://org/crafted'):
    bundle.language_model('fine')


@pytest.mark.slow
def test_verbs_take_an_address_and_say_in_a_line_what_is_wrong(
    folder, tmp_path
):
  fake_hub.keep(tmp_path / 'hub', 'org/tiny', fake_hub.files(folder))
  soundfile.write(tmp_path / 'a.wav', tiny.noise(1, 0.4)[0], tiny.RATE)
  verb = ('generate', 'a.wav', '--prompt_seconds=0.2', '--seconds=0.2')
  done = _run(tmp_path, *verb, '--model=hf://org/tiny')
  assert done.returncode == 0, done.stderr
  assert (tmp_path / 'out/a_0.wav').is_file()
  assert f'hf://org/tiny ({tiny.bundle().fingerprint})' in done.stdout
  done = _run(tmp_path, *verb, '--model=hf://org/other')
  assert done.returncode == 2
  assert done.stderr.startswith('Error: hf://org/other: the hub cannot be')
  assert done.stderr.count('\n') == 1


def _run(folder, *words):
  own = {
      'HF_HUB_OFFLINE': '1',
      'HF_HOME': str(folder),
      'XDG_CACHE_HOME': str(folder / 'cache'),
      'JAX_DISABLE_MOST_OPTIMIZATIONS': '1',
  }
  # They would name another cache.
  kept = {k: v for k, v in os.environ.items() if not k.startswith('HF_')}
  root = pathlib.Path(__file__).parents[2]
  paths = os.pathsep.join([str(root), *filter(None, sys.path)])
  return subprocess.run(
      [sys.executable, '-m', 'audiolm_jax.cli.main', *words],
      cwd=folder,
      env=kept | own | {'PYTHONPATH': paths},
      capture_output=True,
      text=True,
      check=False,
  )


def test_an_address_is_told_from_a_path():
  assert hub.is_address('hf://org/tiny')
  assert not hub.is_address('org/tiny')
  assert not hub.is_address(pathlib.Path('hf:/org/tiny'))
  assert str(hub.address('org/tiny@v1')) == 'hf://org/tiny@v1'
