"""Tests `audiolm_jax/evaluation/metrics/tokens_meaning.py`."""

import numpy as np

from audiolm_jax.evaluation.metrics import tokens_meaning
from audiolm_jax.evaluation.metrics.labels import Interval
from audiolm_jax.evaluation.metrics.tokens_meaning import (
    FrameFeatures,
    FrameIds,
)
from audiolm_jax.evaluation.metrics.triphones import Speech


def spoken(seed: int) -> list[Interval]:
  """Thirty phones of 0.2 s."""
  phones = np.random.default_rng(seed).choice(list('aiu'), 30)
  return [
      Interval(0.2 * i, 0.2 * i + 0.2, phone) for i, phone in enumerate(phones)
  ]


INTERVALS = [spoken(seed) for seed in range(6)]


def frames_of(intervals: list[Interval], rate: int) -> np.ndarray:
  """Row 0 of an identity for the phone a, 1 for i, 2 for u."""
  phones = ['aiu'.index(interval.label) for interval in intervals]
  return np.repeat(phones, round(0.2 * rate))


def test_true_ids_tell_all_at_any_frame_rate_and_wrong_ones_do_not():
  candidates = {
      'slow': FrameIds([frames_of(i, 25) for i in INTERVALS], 0.04),
      'fast': FrameIds([frames_of(i, 50) for i in INTERVALS], 0.02),
      'wrong': FrameIds([frames_of(i, 25) for i in INTERVALS[::-1]], 0.04),
  }
  found = tokens_meaning.meaning(candidates, INTERVALS)
  assert found['slow'].pnmi > 0.999 and found['fast'].pnmi > 0.999
  assert found['wrong'].pnmi < 0.1


def test_abx_prefers_features_that_follow_the_phones():
  vectors = np.eye(3)
  candidates = {
      'good': FrameFeatures(
          [vectors[frames_of(i, 50)] for i in INTERVALS], 0.02
      ),
      'noise': FrameFeatures(
          list(np.random.default_rng(0).standard_normal((6, 300, 3))), 0.02
      ),
  }
  found = tokens_meaning.abx_errors(
      candidates, [Speech(i, 's') for i in INTERVALS]
  )
  # Not 0: to DTW, which stretches, `aai` and `aii` are the same.
  assert found['good'].within < 0.15 < 0.3 < found['noise'].within
  assert found['good'].num_within == found['noise'].num_within > 10
