"""Tests `audiolm_jax/evaluation/sections/quality.py` and memorised.py."""

from typing import NamedTuple

import numpy as np
import pytest

from audiolm_jax.evaluation.sections import memorised, quality
from audiolm_jax.evaluation.sections.quality import Clips, System
from audiolm_jax.evaluation.tables import Missing
from audiolm_jax.tokens.stages import Sizes

RATE = 16000
SIZES = Sizes(num_quantizers=2)


class Coded(NamedTuple):
  semantic: np.ndarray
  acoustic: np.ndarray


def predict_mos(waveform, sample_rate):
  """As loud as good."""
  return float(np.abs(waveform).max())


def coded(seconds, seed):
  random = np.random.default_rng(seed)
  return Coded(
      random.integers(10**6, size=round(25 * seconds)),
      random.integers(10**6, size=(round(50 * seconds), 2)),
  )


@pytest.fixture(name='clips')
def fixture_clips(voice, other_voice):
  return Clips([voice, other_voice], ['a', 'b'], RATE)


def rows_of(table):
  assert {len(row) for row in table.rows} == {len(table.header)}
  return {
      row[0]: dict(zip(table.header, row, strict=True)) for row in table.rows
  }


def test_rows_say_what_was_measured(clips, noise):
  near = [[x, x + 0.001 * noise] for x in clips.waveforms]
  far = [[x + 0.1 * noise, x - 0.1 * noise] for x in clips.waveforms]
  systems = {
      # Half a second for each of 3 s, and the quick one a tenth of that.
      'near': System(near, [[coded(3, 0)] * 2] * 2, [[0.5, 0.5]] * 2),
      'far': System(far, [[coded(3, 0), coded(3, 1)]] * 2, [[0.05, 0.05]] * 2),
  }
  rows = rows_of(quality.table(clips, systems, predict_mos))
  original, near, far = (rows[name] for name in ('original', 'near', 'far'))
  assert original['mel distance, dB'].value == pytest.approx(0, abs=1e-4)
  assert near['mel distance, dB'].value < far['mel distance, dB'].value
  assert near['real-time factor'].value == pytest.approx(0.5 / 3)
  assert far['real-time factor'].value == pytest.approx(0.05 / 3)
  assert near['diversity of tokens'].value == 0.0
  assert far['diversity of tokens'].value > 0.9
  near_sounds, far_sounds = (
      row['diversity of sounds'].value for row in (near, far)
  )
  assert near_sounds < far_sounds
  assert near['DNSMOS'].value < far['DNSMOS'].value
  assert near['DNSMOS'].num_clips == 2
  assert original['real-time factor'] is None


def test_the_papers_rows_stand_beside(clips):
  rows = rows_of(quality.table(clips, {}, predict_mos))
  assert rows['SoundStorm Table 1: SoundStream']['DNSMOS'] == 3.72


def test_a_missing_mos_predictor_is_a_cell(clips):
  why = Missing('pip install it')
  rows = rows_of(quality.table(clips, {}, why))
  assert rows['original']['DNSMOS'] == why


def test_a_copy_is_longer_than_what_is_new(clips):
  training = [coded(20, seed) for seed in range(10)]
  held_out = [coded(3, seed) for seed in (100, 101)]
  copy = Coded(training[4].semantic[50:125], training[4].acoustic[100:250])
  half = Coded(
      np.concatenate([copy.semantic[:40], held_out[0].semantic[:35]]),
      copy.acoustic + 1,
  )
  systems = {
      'copies': System([], [[copy], [copy]]),
      'half': System([], [[half], [half]]),
      'no tokens': System([]),
      'acoustic only': System(
          [], [[copy._replace(semantic=np.zeros(0, int))]] * 2
      ),
  }
  table = memorised.table(clips, held_out, systems, training, SIZES)
  rows = rows_of(table)
  tokens = {
      name: row['semantic, tokens'] and row['semantic, tokens'].value
      for name, row in rows.items()
  }
  assert tokens['copies'] == tokens['planted copy'] == 75
  assert tokens['half'] == pytest.approx(40, abs=1)
  assert tokens['true continuation'] < 5
  assert tokens['acoustic only'] is None and 'no tokens' not in rows
  assert rows['copies']['semantic, s'].value == pytest.approx(3.0)
  assert rows['copies']['first acoustic level, longest, s'] == 3.0
  assert rows['half']['first acoustic level, tokens'].value < 6


def test_silence_is_no_copy(clips):
  """A code that is held is in every training set, and a melody is not."""
  training = [Coded(np.repeat([7, 8], 500), np.repeat([[7], [8]], 900, 0))]
  silent = Coded(np.full(75, 7), np.full((150, 1), 7))
  systems = {'silent': System([], [[silent], [silent]])}
  held_out = [coded(3, seed) for seed in (100, 101)]
  rows = rows_of(memorised.table(clips, held_out, systems, training, SIZES))
  assert rows['silent']['semantic, tokens'].value == 1
  assert rows['silent']['first acoustic level, tokens'].value == 1
