"""Tests launch/rename_codes.py."""

import pathlib
import subprocess
import sys

import numpy as np
import soundfile
import tiny

from audiolm_jax import corpus
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.corpus import Clip

ROOT = pathlib.Path(__file__).parents[2]


def run(folder, tokenizers):
  command = [sys.executable, '-m', 'launch.rename_codes', '--hours=0.01']
  return subprocess.run(
      [
          *command,
          f'--model={folder / "model"}',
          f'--tokenizers={tokenizers}',
          f'--manifest={folder / "manifest.jsonl"}',
          f'--output_dir={folder / "renamed"}',
      ],
      cwd=ROOT,
      capture_output=True,
      text=True,
      check=False,
  )


def test_it_learns_the_names_from_what_both_codecs_make_of_clips(tmp_path):
  clips = []
  for number, waveform in enumerate(tiny.noise(6, 1.3)):
    path = tmp_path / f'{number}.wav'
    soundfile.write(path, waveform, tiny.RATE, 'FLOAT')
    clips.append(Clip(str(path), 1.3, 'train', 'test', 'CC0'))
  corpus.write_manifest(tmp_path / 'manifest.jsonl', clips)
  parts = tiny.bundle().parts
  storm = tiny.soundstorm(num_levels=3)  # Of a codec's four.
  Bundle(parts | {'soundstorm': storm}).save(tmp_path / 'model', '', float16=())
  done = run(tmp_path, tmp_path / 'model')
  assert done.returncode == 0, done.stderr
  renamed = Bundle.load(tmp_path / 'renamed').parts['soundstorm']
  before, after = (each.arrays['params'] for each in (storm, renamed))
  np.testing.assert_array_equal(after['mask'], before['mask'])
  # A codec's own codes keep their names, the more so the more often they are.
  codes = Bundle(parts).acoustic.encode(tiny.noise(6, 1.28), np.full(6, 20480))
  often = np.bincount(codes[..., 0].ravel()).argmax()
  found = after['acoustic'][0, often] - before['acoustic'][0]
  assert np.square(found).sum(axis=-1).argmin() == often


def test_codecs_whose_codes_cannot_meet_are_refused(tmp_path):
  Bundle(tiny.bundle().parts).save(tmp_path / 'model', '', float16=())
  done = run(tmp_path, 'piano')
  assert done.returncode and 'must be the same' in done.stderr
