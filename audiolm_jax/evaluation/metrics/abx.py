"""Machine ABX: is a sound nearer to its like than to another?

The definitions are Libri-Light's (AudioLM s. IV-B): triphones that differ in
the middle phone only, arccos distance of frames, DTW, 50 % is chance.
"""

import collections
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from audiolm_jax.evaluation import intervals
from audiolm_jax.evaluation.intervals import Figure
from audiolm_jax.evaluation.metrics import dtw, triphones
from audiolm_jax.evaluation.metrics.triphones import Group, Speech, Triphone


class Abx(NamedTuple):
  """ABX errors, 0 to 1; 0.5 is chance, NaN where nothing can be compared.

  An error is a mean over ordered phone pairs of means over speakers (of A and
  B) of means over contexts and, across, over the speakers of X.

  Attributes:
    within: A, B and X are of one speaker.
    across: X is of another speaker than A and B.
    num_within: (pair, speaker, context) combinations that make `within`.
    num_across: (pair, speaker, context, speaker of X) combinations.
  """

  within: float
  across: float
  num_within: int
  num_across: int


class Cell(NamedTuple):
  """The error of one ordered pair of phones, speaker of A and B, context."""

  pair: tuple[str, str]
  speaker: str
  error: float


def errors(
    features: Sequence[Float[np.ndarray, '_ D']],
    spoken: Sequence[Speech],
    frames_per_second: float,
    seed: int = 0,
) -> Abx:
  """ABX errors over all pairs of phones that share a context.

  Args:
    features: Frames of each clip.
    spoken: Phones of each clip, and their speaker.
    frames_per_second: Frame rate of `features`.
    seed: Seed of the sub-sampling of large groups.
  """
  found = itertools.chain.from_iterable(
      triphones.of_clip(speech, clip) for clip, speech in enumerate(spoken)
  )
  return errors_of(features, list(found), frames_per_second, seed)


def errors_of(
    features: Sequence[Float[np.ndarray, '_ D']],
    found: Sequence[Triphone],
    frames_per_second: float,
    seed: int = 0,
) -> Abx:
  """ABX errors over given triphones, as an item file lists them.

  Equals fastabx 0.9.0 told to be as Libri-Light, which leaves the last frame of
  a segment out (FASTABX_WITH_LIBRILIGHT_BUG=1); AudioLM was measured so.

  Args:
    features: Frames of each clip.
    found: Their `clip` is an index into `features`.
    frames_per_second: Frame rate of `features`.
    seed: Seed of the sub-sampling of large groups.
  """
  within, across = _cells(features, found, frames_per_second, seed)
  return Abx(_mean(within), _mean(across), len(within), len(across))


def figures(
    features: Sequence[Float[np.ndarray, '_ D']],
    found: Sequence[Triphone],
    frames_per_second: float,
    seed: int = 0,
) -> tuple[Figure, Figure]:
  """Both errors of `errors_of` in per cent, with intervals over speakers."""
  both = _cells(features, found, frames_per_second, seed)
  within, across = (
      _figure(cells, seed)._replace(num_clips=len(features)) for cells in both
  )
  return within, across


def _cells(
    features: Sequence[Float[np.ndarray, '_ D']],
    found: Sequence[Triphone],
    frames_per_second: float,
    seed: int,
) -> tuple[list[Cell], list[Cell]]:
  groups = triphones.groups(
      [_normalise(clip) for clip in features], found, frames_per_second, seed
  )
  within, across = [], []
  for group, between in _distances(list(groups)):
    within += _within(group, between)
    across += _across(group, between)
  return within, across


def _figure(cells: Sequence[Cell], seed: int) -> Figure:
  """Draws speakers of A and B; those of X stay."""
  speakers = sorted({cell.speaker for cell in cells})
  pairs = sorted({cell.pair for cell in cells})
  sums = np.zeros((len(speakers), len(pairs), 2))
  for cell in cells:
    place = speakers.index(cell.speaker), pairs.index(cell.pair)
    sums[place] += (100 * cell.error, 1)
  counted = sums[..., 1] > 0
  means = sums[..., 0] / np.maximum(sums[..., 1], 1)

  def statistic(rows: Float[np.ndarray, 'S P2']) -> float:
    errors, there = np.split(rows, 2, axis=1)
    heard = there.sum(axis=0)
    by_pair = errors.sum(axis=0)[heard > 0] / heard[heard > 0]
    return float(by_pair.mean()) if len(by_pair) else float('nan')

  rows = np.concatenate([means * counted, counted], axis=1)
  return intervals.bootstrap(rows, speakers, statistic, seed)


def _distances(
    groups: list[Group],
) -> Iterator[tuple[Group, Float[np.ndarray, 'X Y']]]:
  """Each group and how far its tokens lie from each other."""
  pairs = [(x, y) for g in groups for x in g.segments for y in g.segments]
  ends = np.cumsum([len(group.phones) ** 2 for group in groups])
  distances = np.split(dtw.distances(pairs), ends[:-1]) if pairs else []
  for group, between in zip(groups, distances, strict=True):
    yield group, between.reshape(2 * [len(group.phones)])


def _within(group: Group, between: Float[np.ndarray, 'X Y']) -> Iterator[Cell]:
  # X is another token than A.
  other = ~np.eye(len(between), dtype=bool)
  for pair, speaker, is_a, is_b in _contrasts(group):
    if is_a.sum() > 1:
      error = _error(between, is_a, is_a, is_b, other)
      yield Cell(pair, speaker, error)


def _across(group: Group, between: Float[np.ndarray, 'X Y']) -> Iterator[Cell]:
  everyone = sorted(set(group.speakers))
  for pair, speaker, is_a, is_b in _contrasts(group):
    for other in everyone:
      is_x = (group.speakers == other) & (group.phones == pair[0])
      if other != speaker and is_x.any():
        error = _error(between, is_x, is_a, is_b, np.ones_like(between, bool))
        yield Cell(pair, speaker, error)


def _contrasts(
    group: Group,
) -> Iterator[
    tuple[tuple[str, str], str, Bool[np.ndarray, ' X'], Bool[np.ndarray, ' X']]
]:
  """Each ordered pair of phones that a speaker says: where A is, where B."""
  for speaker in sorted(set(group.speakers)):
    own = group.speakers == speaker
    for pair in itertools.permutations(sorted(set(group.phones[own])), 2):
      is_a, is_b = (own & (group.phones == phone) for phone in pair)
      yield pair, speaker, is_a, is_b


def _error(
    between: Float[np.ndarray, 'X Y'],
    is_x: Bool[np.ndarray, ' X'],
    is_a: Bool[np.ndarray, ' X'],
    is_b: Bool[np.ndarray, ' X'],
    counted: Bool[np.ndarray, 'X Y'],
) -> float:
  """Returns how often X is nearer to B than to A; a tie is half a mistake."""
  to_a = between[is_x][:, is_a, None]
  to_b = between[is_x][:, None, is_b]
  wrong = ((to_a > to_b) + 0.5 * (to_a == to_b)).mean(axis=2)
  return float(wrong[counted[is_x][:, is_a]].mean())


def _mean(cells: Sequence[Cell]) -> float:
  """The mean error over contexts, then speakers, then pairs."""
  found = collections.defaultdict(lambda: collections.defaultdict(list))
  for cell in cells:
    found[cell.pair][cell.speaker].append(cell.error)
  by_pair = [
      np.mean([np.mean(contexts) for contexts in speakers.values()])
      for speakers in found.values()
  ]
  return float(np.mean(by_pair)) if by_pair else float('nan')


def _normalise(frames: Float[np.ndarray, 'T D']) -> Float[np.ndarray, 'T E']:
  """Unit vectors; an all-zero frame is at distance 1 from all but its like."""
  frames = frames.astype(np.float64)
  norms = np.linalg.norm(frames, axis=1, keepdims=True)
  silent = norms == 0
  unit = np.where(silent, frames.shape[1] ** -0.5, frames / (norms + silent))
  # The product of the two is -2, which clips a cosine to -1 (Libri-Light's).
  return np.concatenate([unit, np.where(silent, -2e12, 1e-12)], axis=1)
