"""Tests `audiolm_jax/evaluation/sections/token_quality.py`."""

import numpy as np

from audiolm_jax import audio
from audiolm_jax.audio import Sound
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation import tables
from audiolm_jax.evaluation.intervals import Figure
from audiolm_jax.evaluation.listeners import perceptual
from audiolm_jax.evaluation.metrics import fidelity
from audiolm_jax.evaluation.sections import token_quality
from audiolm_jax.evaluation.sections.token_quality import Tokens


def test_bitrates_are_the_papers():
  """AudioLM s. III-B and IV-B."""
  assert token_quality.bitrate(25.0, 1024) == 250
  assert token_quality.bitrate(50.0, 1024, 12) == 6000
  assert token_quality.bitrate(50.0, 2**14, 3) == 2100


def test_the_papers_rows_stand_below_ours():
  ours = Tokens('ours', 200.0, Figure(9.5, 8.0, 11.0, 20, 4), None)
  table = token_quality.table([ours], 'Twenty clips.')
  assert len(table.rows) == 5
  assert all(len(row) == len(table.header) for row in table.rows)
  text = tables.markdown(table)
  assert '| ours | 200 | 9.500 [8.000, 11.0] | - | - |' in text
  assert '| SoundStream (AudioLM) | 6000 | 17.8 | 26.6 | 3.900 |' in text


def test_noise_lowers_the_mean_over_clips(monkeypatch, voice, other_voice):
  """By a quick metric: ViSQOL itself is heard in reconstruction_test."""
  monkeypatch.setattr(perceptual, 'visqol', lambda mode: fidelity.SI_SNR)
  random = np.random.default_rng(0)
  clean = [voice, other_voice]
  noisy = [
      (x + 0.02 * random.standard_normal(len(x))).astype(np.float32)
      for x in clean
  ]
  faster = [audio.convert(x, 16000, 24000) for x in noisy]
  clean = [Sound(x, 16000) for x in clean]
  same, worse, resampled = (
      token_quality.visqol(clean, [Sound(x, rate) for x in heard], ['a', 'b'])
      for heard, rate in (
          ([x.samples for x in clean], 16000),
          (noisy, 16000),
          (faster, 24000),
      )
  )
  assert same.value > worse.value + 0.5 and same.num_groups == 2
  assert abs(resampled.value - worse.value) < 3.0


def test_a_missing_visqol_says_how_to_install_it(monkeypatch):
  def refuse(mode):
    raise UserError('visqol is missing')

  monkeypatch.setattr(perceptual, 'visqol', refuse)
  assert 'pip install' in token_quality.visqol([], [], []).why
