"""Tests launch/sprint: there and back again, on a bare machine."""

import json
import os
import subprocess
import sys
import time

import jax
import numpy as np
import pytest
import runs
import tiny

from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.errors import UserError
from audiolm_jax.soundstorm.stage import soundstorm
from launch.sprint import folder, pack, pack_tokens, sources, unpack
from launch.sprint.folder import MIB
from tests.tokens import random_store

# A machine that has JAX, Flax and Optax has none of these, or need not.
MISSING = (
    'tensorflow',
    'seqio',
    'orbax',
    'soundfile',
    'soxr',
    'librosa',
    'gin',
    'safetensors',
)
RUN = f"""
import sys
sys.modules.update(dict.fromkeys({MISSING}))
from launch.sprint import run
run.run()
"""


def call(verb, *argv):
  verb.FLAGS.unparse_flags()
  verb.main(verb.FLAGS(['verb', *map(str, argv)]))


def start(folder, *argv):
  """Runs as a bare machine would, to which only the folder has come."""
  environment = os.environ | {
      'JAX_DISABLE_MOST_OPTIMIZATIONS': '1',
      'PYTHONPATH': str(folder / sources.NAME),
  }
  command = [sys.executable, '-c', RUN, f'--folder={folder}', *argv]
  return subprocess.Popen(command, env=environment, cwd=folder)


@pytest.fixture
def store(tmp_path):
  tokens = tmp_path / 'tokens'
  tokens.mkdir()
  return tokens, random_store.write(tokens, {'train': [60, 90, 70, 40]})


def pack_store(tokens, out, *argv):
  sizes = (
      '--num_layers=1',
      '--embed_dim=16',
      '--num_heads=2',
      '--mlp_dim=16',
      '--crop_seconds=1',
  )
  call(
      pack,
      '--task=soundstorm',
      f'--tokens={tokens}',
      f'--output_dir={out}',
      *sizes,
      *argv,
  )


@pytest.mark.slow
def test_a_decoder_comes_back_and_leaves_the_tokens_alone(tmp_path):
  codec = tiny.soundstream()
  model = runs.save(tmp_path / 'codec', codec)
  manifest = runs.write_corpus(tmp_path / 'corpus')
  call(
      pack,
      '--task=decoder',
      f'--model={model}',
      f'--manifest={manifest}',
      '--crop_seconds=0.5',
      f'--output_dir={tmp_path}/there',
  )
  process = start(
      tmp_path / 'there',
      f'--out={tmp_path}/back',
      '--dry_run',
      '--batch_size=2',
      '--window_seconds=0.2',
      '--alone_steps=0',
      '--stft_channels=2',
      '--wave_channels=4',
  )
  assert process.wait() == 0
  logged = json.loads(
      (tmp_path / 'back/log.jsonl').read_text().splitlines()[-1]
  )
  assert {'adversarial', 'feature_matching', 'spectral'} < logged.keys()
  call(
      unpack,
      tmp_path / 'back',
      f'--model={model}',
      f'--output_dir={tmp_path}/bundle',
  )
  before = Bundle({'acoustic_tokenizer': codec})
  after = Bundle.load(tmp_path / 'bundle')
  assert after.acoustic.fingerprint == before.acoustic.fingerprint
  old, new = (
      bundle.parts['acoustic_tokenizer'].arrays for bundle in (before, after)
  )
  np.testing.assert_array_equal(old['codebooks'], new['codebooks'])
  for name in old['params']:
    same = jax.tree.map(
        np.array_equal, old['params'][name], new['params'][name]
    )
    assert all(jax.tree.leaves(same)) == (name != 'decoder'), name
  with pytest.raises(UserError, match='is not the codec'):
    other = runs.save(tmp_path / 'other', tiny.soundstream(seed=1))
    call(
        unpack,
        tmp_path / 'back',
        f'--model={other}',
        f'--output_dir={tmp_path}/bundle',
    )


@pytest.mark.slow
def test_a_soundstorm_of_other_sizes_comes_back_as_a_part(tmp_path, store):
  tokens, _ = store
  pack_store(tokens, tmp_path / 'there')
  process = start(
      tmp_path / 'there',
      f'--out={tmp_path}/back',
      '--dry_run',
      '--batch_size=2',
  )
  assert process.wait() == 0
  call(unpack, tmp_path / 'back', f'--output_dir={tmp_path}/bundle')
  part = Bundle.load(tmp_path / 'bundle').soundstorm
  assert part.stage == soundstorm(random_store.SIZES)
  assert (part.model.num_layers, part.crop_seconds) == (1, 1.0)
  # And once more, from these weights.
  call(
      pack,
      '--task=soundstorm',
      f'--tokens={tokens}',
      f'--model={tmp_path}/bundle',
      f'--output_dir={tmp_path}/again',
  )
  again = folder.read(tmp_path / 'again')
  packed = folder.weights_from_bytes(again.streams['weights'])
  jax.tree.map(np.testing.assert_array_equal, packed, part.params)


@pytest.mark.slow
def test_who_is_killed_leaves_the_last_weights(tmp_path, store):
  pack_store(store[0], tmp_path / 'there')
  process = start(
      tmp_path / 'there',
      f'--out={tmp_path}/back',
      '--minutes=10',
      '--batch_size=2',
      '--save_seconds=0',
  )
  while process.poll() is None and step(tmp_path / 'back') < 3:
    time.sleep(0.2)
  process.kill()
  process.wait()
  assert step(tmp_path / 'back') >= 3
  call(unpack, tmp_path / 'back', f'--output_dir={tmp_path}/bundle')


def step(out):
  index = out / 'index.json'
  if not index.exists():
    return 0
  return json.loads(index.read_text())['contents']['step']


def test_what_does_not_fit_is_refused_in_one_line(tmp_path, store):
  tokens, _ = store
  with pytest.raises(UserError, match='no room.*--max_mib') as error:
    pack_store(tokens, tmp_path / 'there', '--max_mib=1.00001')
  assert '\n' not in str(error.value)
  with pytest.raises(UserError, match='do not fit.*--max_mib') as error:
    folder.room([b'x' * MIB], int(1.5 * MIB))
  assert '\n' not in str(error.value)


def test_weights_that_could_not_come_back_are_not_trained(tmp_path, store):
  with pytest.raises(UserError, match='smaller model') as error:
    pack_store(store[0], tmp_path, '--embed_dim=2048', '--mlp_dim=8192')
  assert '\n' not in str(error.value)


def test_a_soundstorm_of_other_tokens_is_refused(store):
  part = tiny.soundstorm(sizes=random_store.SIZES)
  part.config['tokenizers'] = {'acoustic': 'cccccccccccc'}
  with pytest.raises(UserError, match='cccccccccccc'):
    pack_tokens.config(str(store[0]), part, {}, None)


def test_what_is_not_trained_is_not_unpacked(tmp_path, store):
  pack_store(store[0], tmp_path / 'there')
  with pytest.raises(UserError, match='not trained'):
    call(unpack, tmp_path / 'there', f'--output_dir={tmp_path}/bundle')
