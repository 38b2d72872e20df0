"""Tests `audiolm_jax/evaluation/metrics/dtw.py`."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolm_jax.evaluation.metrics import dtw


def slow_dtw(x: np.ndarray, y: np.ndarray) -> float:
  """One pair, cell by cell, then the path walked back."""
  frames = np.arccos(np.clip(x @ y.T, -1, 1)) / np.pi
  cost = np.full((len(x) + 1, len(y) + 1), np.inf)
  cost[0, 0] = 0
  for i in range(1, len(x) + 1):
    for j in range(1, len(y) + 1):
      before = min(cost[i - 1, j - 1], cost[i, j - 1], cost[i - 1, j])
      cost[i, j] = frames[i - 1, j - 1] + before
  i, j, steps = len(x), len(y), 1
  while (i, j) != (1, 1):
    choices = ((i - 1, j - 1), (i, j - 1), (i - 1, j))
    i, j = min(choices, key=lambda place: cost[place])
    steps += 1
  return cost[-1, -1] / steps


def unit(frames: np.ndarray) -> np.ndarray:
  return frames / np.linalg.norm(frames, axis=1, keepdims=True)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 1000), st.lists(st.integers(1, 7), min_size=4, max_size=4)
)
def test_batched_dtw_equals_one_pair_after_the_other(seed, lengths):
  random = np.random.default_rng(seed)
  a, b, c, d = (unit(random.standard_normal((n, 3))) for n in lengths)
  pairs = [(a, b), (c, d), (a, d)]
  expected = [slow_dtw(x, y) for x, y in pairs]
  np.testing.assert_allclose(dtw.distances(pairs), expected)


def test_dtw_of_a_hand_case():
  right, up = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
  stretched = (np.concatenate([right, right, up]), np.concatenate([right, up]))
  # Orthogonal frames are half a turn apart, so 0.5.
  assert list(dtw.distances([stretched, (right, up)])) == [0.0, 0.5]
