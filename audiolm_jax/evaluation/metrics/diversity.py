"""Diversity of the samples of one prompt: 0 if all of them are the same."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from audiolm_jax.evaluation.metrics import fidelity, spoken_text


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
    if not longest:
      return float('nan')
    pair = first.tolist(), second.tolist()
    return spoken_text.edit_distance(*pair) / longest

  return _mean_of_pairs(samples, distance)


def _mean_of_pairs(
    samples: Sequence[Any], distance: Callable[[Any, Any], float]
) -> float:
  pairs = list(itertools.combinations(samples, 2))
  if not pairs:
    return float('nan')
  return float(np.mean([distance(*pair) for pair in pairs]))
