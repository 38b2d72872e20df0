"""Distances of sequences that run at different speeds, many at a time."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

PAIRS_AT_ONCE = 512


def distances(
    pairs: Sequence[tuple[np.ndarray, np.ndarray]],
) -> Float[np.ndarray, ' P']:
  """Mean frame distance along the best alignment, for each pair.

  Frames are unit vectors. Steps are left, up and diagonal with weight one; ties
  go to the diagonal, then to the left.
  """
  lengths = np.array([len(x) + len(y) for x, y in pairs])
  result = np.zeros(len(pairs))
  # Pairs of like lengths side by side waste little on padding.
  order = np.argsort(lengths)
  for start in range(0, len(pairs), PAIRS_AT_ONCE):
    places = order[start : start + PAIRS_AT_ONCE]
    result[places] = _padded_dtw([pairs[place] for place in places])
  return result


def _padded_dtw(
    pairs: Sequence[tuple[np.ndarray, np.ndarray]],
) -> Float[np.ndarray, ' P']:
  lengths = np.array([(len(x), len(y)) for x, y in pairs])
  rows, columns = lengths.max(axis=0).tolist()
  frames = _frame_distances(pairs, rows, columns)
  cost = np.full((rows + 1, columns + 1, len(pairs)), np.inf)
  steps = np.zeros((rows + 1, columns + 1, len(pairs)), np.int64)
  cost[0, 0] = 0.0
  each = np.arange(len(pairs))
  for i in range(1, rows + 1):
    for j in range(1, columns + 1):
      before = ([i - 1, i, i - 1], [j - 1, j - 1, j])
      best = cost[before].argmin(axis=0)
      cost[i, j] = frames[i - 1, j - 1] + cost[before][best, each]
      steps[i, j] = 1 + steps[before][best, each]
  ends = (*lengths.T, each)
  return cost[ends] / steps[ends]


def _frame_distances(
    pairs: Sequence[tuple[np.ndarray, np.ndarray]], rows: int, columns: int
) -> Float[np.ndarray, 'X Y P']:
  frames = np.zeros((rows, columns, len(pairs)))
  for i, (x, y) in enumerate(pairs):
    cosine = np.clip(x @ y.T, -1.0, 1.0)
    frames[: len(x), : len(y), i] = np.arccos(cosine) / np.pi
  return frames
