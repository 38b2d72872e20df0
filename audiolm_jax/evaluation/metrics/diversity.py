"""How much samples of one prompt differ: 0 if a model says the same always."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from audiolm_jax.evaluation.metrics import fidelity


def of_sounds(
    samples: Sequence[Float[np.ndarray, ' _']], sample_rate: int
) -> float:
  """1 less the mean correlation of the log-mel spectrograms of all pairs.

  0 if all are the same sound, 1 if they have nothing in common; NaN for less
  than two samples. A pair is cut to the shorter.
  """

  def distance(first: np.ndarray, second: np.ndarray) -> float:
    length = min(len(first), len(second))
    pair = first[:length], second[:length]
    if not all(map(np.any, pair)):
      # Silence is like silence, and like nothing else.
      return float(any(map(np.any, pair)))
    return 1.0 - max(fidelity.spectral_correlation(*pair, sample_rate), 0.0)

  return _mean_of_pairs(samples, distance)


def of_tokens(samples: Sequence[Int[np.ndarray, ' _']]) -> float:
  """Mean edit distance of all pairs, as a share of the longer sequence.

  0 if all are the same; NaN for less than two samples or where two are empty.
  """

  def distance(first: np.ndarray, second: np.ndarray) -> float:
    longest = max(len(first), len(second))
    return edit_distance(first, second) / longest if longest else float('nan')

  return _mean_of_pairs(samples, distance)


def edit_distance(
    first: Int[np.ndarray, ' T'], second: Int[np.ndarray, ' S']
) -> int:
  """Least number of insertions, deletions and substitutions (Levenshtein)."""
  places = np.arange(len(second) + 1)
  row = places.copy()
  for count, token in enumerate(first, 1):
    best = np.minimum(row[1:] + 1, row[:-1] + (second != token))
    best = np.concatenate([[count], best])
    # Insertions: the best start on the left, a step dearer for each place.
    row = np.minimum.accumulate(best - places) + places
  return int(row[-1])


def _mean_of_pairs(
    samples: Sequence[Any], distance: Callable[[Any, Any], float]
) -> float:
  pairs = list(itertools.combinations(samples, 2))
  if not pairs:
    return float('nan')
  return float(np.mean([distance(*pair) for pair in pairs]))
