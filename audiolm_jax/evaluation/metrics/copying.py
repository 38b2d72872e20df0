"""Memorisation: the longest runs of a clip that the training set has, too.

Runs are looked up by rolling hashes (Karp and Rabin 1987), so that one pass
over the training set answers for all clips, a chunk in memory at a time.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Int, UInt

# A row a frame, a column a level; a frame is found if all its levels agree.
Frames = Int[np.ndarray, '_ _']
Keys = UInt[np.ndarray, ' _']

# Odd, so that it has an inverse modulo 2^64: dividing a sum by the power of its
# place makes the hash of a run the same wherever the run stands.
_BASE = 0xD1342543DE82EF95
# Frames that are compared at once.
_CHUNK_FRAMES = 2**16


@runtime_checkable
class Coded(Protocol):
  """A token store's record, a bundle's tokens, or what was made of a prompt."""

  semantic: Int[np.ndarray, ' S']
  acoustic: Int[np.ndarray, 'T Q']


def semantic(clips: Iterable[Coded]) -> Iterable[Frames]:
  """Semantic tokens; iterates over the clips anew each time."""
  return Each(clips, lambda clip: clip.semantic[:, None])


def acoustic(clips: Iterable[Coded], num_levels: int) -> Iterable[Frames]:
  """Codes of the first levels; iterates over the clips anew each time."""
  return Each(clips, lambda clip: clip.acoustic[:, :num_levels])


@dataclasses.dataclass(frozen=True)
class Each:
  """A `map` that can be iterated over again, if what it maps can."""

  items: Iterable
  function: Callable

  def __iter__(self) -> Iterator:
    return map(self.function, self.items)


class Run(NamedTuple):
  """Frames of a clip that stand somewhere in the training set.

  Attributes:
    start: The first frame.
    length: Number of frames.
  """

  start: int
  length: int


def longest_runs(
    clips: Iterable[Frames], training: Iterable[Frames]
) -> list[Run]:
  """The first of the longest runs of each clip that training has too.

  Runs are compared by 64-bit hashes: against 60,000 hours, one in a thousand
  million clips is given a run that is not there.

  Args:
    clips: A few; all are held in memory.
    training: Any number, some in memory at a time. It is iterated over once for
      each step of a binary search, so a generator will not do, but something
      that reads a store anew will.
  """
  clips = list(clips)
  sums = [_sums(_frame_keys(clip)) for clip in clips]
  found, starts = np.zeros((2, len(clips)), int)
  # Runs of `found` frames occur, those of `missed` do not. A run that occurs
  # has all shorter ones in it, so halving the interval finds the longest: some
  # 12 passes for clips of a minute. Equal lengths share a pass's hashes.
  missed = np.array([len(clip) + 1 for clip in clips], int)
  while (unsure := np.flatnonzero(missed - found > 1)).size:
    lengths = (found[unsure] + missed[unsure]) // 2
    groups = {int(length): unsure[lengths == length] for length in lengths}
    asked = {
        length: [_runs(sums[i], length) for i in group]
        for length, group in groups.items()
    }
    for length, places in _occur(asked, training).items():
      group, hits = groups[length], places >= 0
      found[group[hits]], starts[group[hits]] = length, places[hits]
      missed[group[~hits]] = length
  return [
      Run(*pair) for pair in zip(starts.tolist(), found.tolist(), strict=True)
  ]


def planted(
    clips: Sequence[Frames], training: Iterable[Frames]
) -> list[Frames]:
  """Copies out of the middle of training recordings, as long as the clips.

  A measure that does not find them whole is broken. Fewer than the clips if too
  few recordings are long enough.
  """
  lengths = iter([len(clip) for clip in clips])
  wanted, copies = next(lengths, None), []
  for recording in training:
    if wanted is None:
      break
    if len(recording) >= wanted:
      start = (len(recording) - wanted) // 2
      copies.append(recording[start : start + wanted])
      wanted = next(lengths, None)
  return copies


def _occur(
    runs: Mapping[int, Sequence[Keys]], training: Iterable[Frames]
) -> dict[int, Int[np.ndarray, ' _']]:
  """Places in each clip of runs of a length that training has; -1: nowhere."""
  every = {n: np.unique(np.concatenate(each)) for n, each in runs.items()}
  seen = {n: np.zeros(len(each), bool) for n, each in every.items()}
  for keys in _chunks(training):
    sums = _sums(keys)
    # Sorted are the few runs that are asked for, not the many of training.
    for n, each in every.items():
      hashes = _runs(sums, n)
      places = np.searchsorted(each, hashes).clip(max=len(each) - 1)
      seen[n][places[each[places] == hashes]] = True
  return {
      n: np.array([_first(np.isin(one, every[n][seen[n]])) for one in each])
      for n, each in runs.items()
  }


def _first(hits: Bool[np.ndarray, ' _']) -> int:
  return int(hits.argmax()) if hits.any() else -1


def _chunks(training: Iterable[Frames]) -> Iterator[Keys]:
  """Several recordings in a row, since most are short; no run spans two."""
  # No code's key is 0 but by a chance of 2^-64.
  border, chunk, length = np.zeros(1, np.uint64), [], 0
  for recording in training:
    chunk += [_frame_keys(recording), border]
    length += len(recording)
    if length >= _CHUNK_FRAMES:
      yield np.concatenate(chunk)
      chunk, length = [], 0
  if chunk:
    yield np.concatenate(chunk)


def _frame_keys(frames: Frames) -> Keys:
  """A random-looking number for each frame, the same for the same codes."""
  keys = np.zeros(len(frames), np.uint64)
  for level in np.asarray(frames).T:
    keys = _mix(keys + level.astype(np.uint64) + np.uint64(1))
  return keys


def _mix(keys: Keys) -> Keys:
  """splitmix64 (Steele et al. 2014): neighbouring codes become strangers."""
  keys = keys * np.uint64(0x9E3779B97F4A7C15)
  keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
  keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
  return keys ^ (keys >> np.uint64(31))


def _sums(keys: Keys) -> Keys:
  """Sums of the first 0, 1, 2 ... keys, each times a power of its place."""
  sums = np.cumsum(keys * _powers(_BASE, len(keys)))
  return np.concatenate([np.zeros(1, np.uint64), sums])


def _runs(sums: Keys, length: int) -> Keys:
  """A hash of each run of a length: a polynomial modulo 2^64."""
  here = sums[length:] - sums[: max(len(sums) - length, 0)]
  return here * _powers(pow(_BASE, -1, 2**64), len(here))


@functools.lru_cache(maxsize=64)
def _powers(base: int, count: int) -> Keys:
  return np.cumprod(np.full(count, base, np.uint64))
