"""Tests launch/tiny.sh: all parts trained from scratch, then a sample.

Nothing in it needs TensorFlow: Grain reads the tokens. With seqio parts learn
in tests/cli/finetune_test.py.
"""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from audiolm_jax import audio
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.bundle.names import PARTS
from tests.missing import WITHOUT_TENSORFLOW

REPOSITORY = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope='module')
def output(tmp_path_factory):
  """What a short run of the script leaves."""
  folder = tmp_path_factory.mktemp('tiny')
  scripts = str(pathlib.Path(sys.executable).parent)
  # Every Python begins with it.
  (folder / 'first').mkdir()
  (folder / 'first' / 'sitecustomize.py').write_text(WITHOUT_TENSORFLOW)
  environment = os.environ | {
      'PATH': f'{scripts}:{os.environ["PATH"]}',
      'PYTHONPATH': str(folder / 'first'),
      'XDG_CACHE_HOME': str(folder / 'cache'),
      # Compiling is nearly all that so short a run does.
      'JAX_DISABLE_MOST_OPTIMIZATIONS': '1',
  }
  subprocess.run(
      ['bash', 'launch/tiny.sh', str(folder), '5'],
      cwd=REPOSITORY,
      env=environment,
      check=True,
  )
  return folder


@pytest.mark.slow
def test_the_pipeline_ends_in_a_whole_bundle(output):
  bundle = Bundle.load(output / 'bundle')
  # The ablation and classifiers are bundles of their own.
  assert set(bundle.parts) == set(PARTS) - {'acoustic_only', 'classifier'}
  assert 'CC-BY' in (output / 'bundle' / 'MODEL_CARD.md').read_text()


@pytest.mark.slow
def test_every_prompt_is_continued(output):
  prompts = sorted((REPOSITORY / 'data' / 'prompts').glob('*.flac'))
  manifest = (output / 'generated' / 'manifest.jsonl').read_text()
  records = [json.loads(line) for line in manifest.splitlines()]
  assert len(records) == len(prompts)
  for path in sorted((output / 'generated').glob('*.wav')):
    waveform = audio.read(path, 16000)
    assert len(waveform) >= 4.5 * 16000
    assert np.abs(waveform).max() > 0
