"""Figures with their uncertainty: a bootstrap over speakers or pieces."""

from collections.abc import Callable, Hashable, Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

Number = float | int | np.generic

NUM_RESAMPLES = 1000
CONFIDENCE = 0.95


class Figure(NamedTuple):
  """A number that was measured.

  Attributes:
    value: Value over all clips.
    low: Lower end of the 95 % interval; NaN if one group is all there is.
    high: Upper end of the interval.
    num_clips: Number of clips that were measured.
    num_groups: Speakers or pieces that they come from.
  """

  value: float
  low: float
  high: float
  num_clips: int
  num_groups: int


def mean(
    values: Iterable[Number], groups: Iterable[Hashable], seed: int = 0
) -> Figure:
  """The mean over clips; those that are NaN are left out of it and of N."""
  values = np.fromiter(values, np.float64)
  kept = ~np.isnan(values)
  groups = [group for group, keep in zip(groups, kept, strict=True) if keep]
  return ratio(values[kept], np.ones(kept.sum()), groups, seed)


def ratio(
    parts: Iterable[Number],
    wholes: Iterable[Number],
    groups: Iterable[Hashable],
    seed: int = 0,
) -> Figure:
  """sum(parts) / sum(wholes): errors over words, hits over trials."""
  pair = [np.fromiter(x, np.float64) for x in (parts, wholes)]
  rows = np.stack(pair, axis=-1)

  def statistic(chosen: Float[np.ndarray, 'N C']) -> float:
    part, whole = chosen.sum(axis=0)
    return part / whole if whole else float('nan')

  return bootstrap(rows, groups, statistic, seed)


def bootstrap(
    rows: Float[np.ndarray, 'N C'],
    groups: Iterable[Hashable],
    statistic: Callable[[Float[np.ndarray, 'M C']], float],
    seed: int = 0,
) -> Figure:
  """A statistic of clips, and where it lies if other speakers are drawn.

  Clips of one speaker are alike, so whole speakers are drawn with replacement:
  drawing clips would promise more than is known (Efron's percentile interval,
  with groups as the unit).

  Args:
    rows: Numbers of each clip, which the statistic is made of.
    groups: The speaker or piece of each clip.
    statistic: Statistic of any multiset of clips.
    seed: Seed of the draws; equal seeds give equal intervals.
  """
  if not len(rows):
    nan = float('nan')
    return Figure(nan, nan, nan, 0, 0)
  members: dict[Hashable, list[int]] = {}
  for index, group in enumerate(groups):
    members.setdefault(group, []).append(index)
  value = float(statistic(rows))
  if len(members) == 1:
    return Figure(value, float('nan'), float('nan'), len(rows), 1)
  indices = [np.array(each) for each in members.values()]
  draws = np.random.default_rng(seed).integers(
      len(indices), size=(NUM_RESAMPLES, len(indices))
  )
  drawn = [
      statistic(rows[np.concatenate([indices[i] for i in draw])])
      for draw in draws
  ]
  tail = 50 * (1 - CONFIDENCE)
  low, high = np.nanpercentile(drawn, [tail, 100 - tail])
  return Figure(value, float(low), float(high), len(rows), len(members))
