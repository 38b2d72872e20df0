"""Machine ABX within speaker: is a sound nearer to its like than to another?

The definitions are Libri-Light's (AudioLM s. IV-B): triphones that differ in
the middle phone only, arccos distance of frames, DTW, 50 % is chance.
"""

import collections
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from audiolm_jax.evaluation import dtw
from audiolm_jax.evaluation.labels import Interval

# Larger groups of one triphone are sub-sampled, as Libri-Light's script does.
MAX_GROUP = 10
# Neighbouring phones may be annotated with a gap of a few samples.
MAX_GAP_SECONDS = 0.011


class Item(NamedTuple):
  """A triphone somewhere in a clip, from its first phone's start to its end."""

  clip: int
  start_seconds: float
  end_seconds: float
  phone: str
  context: tuple[str, str]
  speaker: str


class Abx(NamedTuple):
  """ABX error within speaker.

  Attributes:
    error: Mean over phone pairs, 0 to 1; 0.5 is chance, NaN without pairs.
    num_pairs: Ordered phone pairs that the mean is over.
    num_cells: (pair, speaker, context) combinations.
  """

  error: float
  num_pairs: int
  num_cells: int


class Group(NamedTuple):
  """Triphones of one speaker that share a context.

  Attributes:
    speaker: Who says them.
    phones: Of each, in order.
    segments: Their frames.
  """

  speaker: str
  phones: list[str]
  segments: list[np.ndarray]


def items_of(
    intervals: Sequence[Interval], clip: int, speaker: str
) -> list[Item]:
  """All triphones of one clip."""
  triples = zip(intervals, intervals[1:], intervals[2:], strict=False)
  return [
      Item(
          clip,
          before.start_seconds,
          after.end_seconds,
          middle.label,
          (before.label, after.label),
          speaker,
      )
      for before, middle, after in triples
      if _touch(before, middle) and _touch(middle, after)
  ]


def within(
    features: Sequence[Float[np.ndarray, 'T D']],
    items: Sequence[Item],
    frames_per_second: float,
    seed: int = 0,
) -> Abx:
  """ABX error over all pairs of phones that share a speaker and a context.

  Args:
    features: Frames of each clip; `Item.clip` is an index into it.
    items: The triphones.
    frames_per_second: Of `features`.
    seed: Of the sub-sampling of large groups.
  """
  random = np.random.default_rng(seed)
  groups = _groups(
      [_normalise(clip) for clip in features], items, frames_per_second
  )
  groups = [_subsample(group, random) for group in groups]
  pairs = [(x, y) for g in groups for x in g.segments for y in g.segments]
  ends = np.cumsum([len(group.phones) ** 2 for group in groups])
  distances = np.split(dtw.distances(pairs), ends[:-1]) if pairs else []
  # Phone pair -> speaker -> one error a context.
  errors = collections.defaultdict(lambda: collections.defaultdict(list))
  for group, between in zip(groups, distances, strict=True):
    size = len(group.phones)
    for pair, error in _group_errors(group, between.reshape(size, size)):
      errors[pair][group.speaker].append(error)
  by_pair = [
      np.mean([np.mean(contexts) for contexts in speakers.values()])
      for speakers in errors.values()
  ]
  return Abx(
      error=float(np.mean(by_pair)) if by_pair else float('nan'),
      num_pairs=len(by_pair),
      num_cells=sum(len(c) for s in errors.values() for c in s.values()),
  )


def _touch(first: Interval, second: Interval) -> bool:
  return abs(second.start_seconds - first.end_seconds) <= MAX_GAP_SECONDS


def _groups(
    features: Sequence[Float[np.ndarray, 'T D']],
    items: Sequence[Item],
    rate: float,
) -> list[Group]:
  """Groups in which something can be compared."""
  found: dict[tuple, Group] = {}
  for item in items:
    segment = _segment(features, item, rate)
    if len(segment):
      key = item.speaker, item.context
      group = found.setdefault(key, Group(item.speaker, [], []))
      group.phones.append(item.phone)
      group.segments.append(segment)
  return [g for g in found.values() if 1 < len(set(g.phones)) < len(g.phones)]


def _subsample(group: Group, random: np.random.Generator) -> Group:
  phones = np.array(group.phones)
  chosen = []
  for phone in sorted(set(group.phones)):
    places = np.flatnonzero(phones == phone)
    if len(places) > MAX_GROUP:
      places = random.choice(places, MAX_GROUP, replace=False)
    chosen.extend(places)
  return Group(
      group.speaker,
      [group.phones[place] for place in chosen],
      [group.segments[place] for place in chosen],
  )


def _group_errors(
    group: Group, distances: Float[np.ndarray, 'X Y']
) -> Iterator[tuple[tuple[str, str], float]]:
  """The error of every ordered pair of phones; rows are X."""
  phones = np.array(group.phones)
  for a in sorted(set(group.phones)):
    is_a = phones == a
    # X is another token of A's triphone.
    if is_a.sum() >= 2:
      for b in sorted(set(group.phones) - {a}):
        yield (a, b), _error(
            distances[is_a][:, is_a], distances[is_a][:, phones == b]
        )


def _error(
    to_a: Float[np.ndarray, 'X X'], to_b: Float[np.ndarray, 'X B']
) -> float:
  closer = to_a[:, :, None] < to_b[:, None, :]
  equal = to_a[:, :, None] == to_b[:, None, :]
  correct = (closer + 0.5 * equal).mean(axis=2)
  return float(1.0 - correct[~np.eye(len(to_a), dtype=bool)].mean())


def _normalise(frames: Float[np.ndarray, 'T D']) -> Float[np.ndarray, 'T E']:
  """Unit vectors; an all-zero frame is at distance 1 from all but its like."""
  frames = frames.astype(np.float64)
  norms = np.linalg.norm(frames, axis=1, keepdims=True)
  silent = norms == 0
  unit = np.where(silent, frames.shape[1] ** -0.5, frames / (norms + silent))
  # The product of the two is -2, which clips a cosine to -1 (Libri-Light's).
  return np.concatenate([unit, np.where(silent, -2e12, 1e-12)], axis=1)


def _segment(
    features: Sequence[Float[np.ndarray, 'T D']], item: Item, rate: float
) -> Float[np.ndarray, 'L D']:
  first = max(0, int(np.ceil(rate * item.start_seconds - 0.5)))
  last = int(np.floor(rate * item.end_seconds - 0.5))
  return features[item.clip][first : max(first, last)]
