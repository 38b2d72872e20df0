"""Tests `audiolm import --family=t5x`, from a checkpoint to samples."""

import json
import pathlib

import numpy as np
import pytest
import soundfile
import tiny

from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.cli import bundle as bundling
from audiolm_jax.cli import generate, import_
from audiolm_jax.errors import UserError
from audiolm_jax.t5x import part
from tests.with_t5x import published

KEPT = pathlib.Path(__file__).parents[1] / 'kept/bundle'


def run(verb, *flags):
  verb.FLAGS.unparse_flags()
  return verb.main(verb.FLAGS([verb.__name__, *map(str, flags)]))


@pytest.fixture(name='imported')
def fixture_imported(tmp_path):
  folder = tmp_path / 'coarse'
  flags = f'--checkpoint={published.RUN}', f'--output_dir={folder}'
  run(import_, '--family=t5x', *flags)
  return folder


def test_it_says_what_it_wrote(tmp_path, capsys):
  flags = f'--checkpoint={published.RUN}', f'--output_dir={tmp_path}/coarse'
  run(import_, '--family=t5x', *flags)
  assert '2 layers of width 16, 40 ids' in capsys.readouterr().out


def test_a_checkpoint_becomes_a_part_as_exact_as_it_is(imported):
  bundle = Bundle.load(imported)
  assert bundle.parts.keys() == {'coarse'}
  _, read = part.read(published.RUN)
  found = bundle.parts['coarse']
  assert found.config == read.config
  for name in ('embedding', 'norm'):
    np.testing.assert_equal(
        found.arrays['params'][name], read.arrays['params'][name]
    )
  assert 'that t5x trained in' in (imported / 'MODEL_CARD.md').read_text()


def test_it_is_bundled_and_generates(imported, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  run(bundling, imported, f'--base={KEPT}', '--output_dir=model')
  model = Bundle.load('model').language_model('coarse').model
  assert not model.bidirectional_bias and model.num_layers == 2
  soundfile.write('me.wav', tiny.noise(1, 0.5)[0], 16000)
  sizes = '--prompt_seconds=0.2', '--continuation_seconds=0.4'
  flags = '--model=model', '--output_dir=out', '--samples_per_prompt=2'
  assert not run(generate, 'me.wav', *sizes, *flags)
  lines = (tmp_path / 'out/manifest.jsonl').read_text().splitlines()
  files = [json.loads(line)['file'] for line in lines]
  assert len(files) == 2
  sounds = [soundfile.read(tmp_path / 'out' / name)[0] for name in files]
  for sound in sounds:
    assert len(sound) == 9600 and np.abs(sound[-3200:]).max() > 0
  assert (sounds[0] != sounds[1]).any()


def test_parts_of_other_tokenizers_are_refused(imported, tmp_path):
  described = json.loads((imported / 'bundle.json').read_text())
  described.pop('seal')
  tokenizers = described['parts']['coarse']['config']['tokenizers']
  tokenizers['acoustic'] = '0123456789ab'
  (imported / 'bundle.json').write_text(json.dumps(described))
  with pytest.raises(UserError, match='coarse learnt the tokens of acoustic'):
    run(bundling, imported, f'--base={KEPT}', f'--output_dir={tmp_path}/model')


@pytest.mark.parametrize(
    'flags, message',
    [
        (['--checkpoint=nowhere'], 'nowhere has no checkpoint of t5x'),
        (
            [f'--checkpoint={published.RUN}', '--kmeans=x', '--layer=1'],
            't5x trains stages',
        ),
    ],
)
def test_a_mistake_is_one_line(flags, message, tmp_path):
  with pytest.raises(UserError, match=message):
    run(import_, '--family=t5x', f'--output_dir={tmp_path}/part', *flags)
