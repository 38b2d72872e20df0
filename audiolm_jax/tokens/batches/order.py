"""In which order a host visits recordings, and with which seeds. Pure NumPy.

All ways to read a token store follow it, so that they give the same examples in
the same order.
"""

import functools
import sys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from audiolm_jax.tokens.batches.rounds import Round


class Visit(NamedTuple):
  """One recording's turn.

  Attributes:
    recording: Its number among those of the files.
    seed: Seeds what is cut from it.
  """

  recording: int
  seed: Int[np.ndarray, ' 2']


class Share(NamedTuple):
  """The part of a round's files and recordings that one host reads.

  Attributes:
    files: Files that it opens.
    first: Its first recording among those of the files.
    stride: From one of its recordings to the next.
  """

  files: list[str]
  first: int
  stride: int


def share(files: Sequence[str], shard_index: int, num_shards: int) -> Share:
  """Whole files if every host gets one, else every so many-th recording."""
  # No host then reads what another does. Otherwise all open all files, and each
  # takes its turn.
  if len(files) >= num_shards:
    return Share(list(files[shard_index::num_shards]), 0, 1)
  return Share(list(files), shard_index, num_shards)


class Shuffled(Sequence):
  """A host's visits in a round: all its recordings, shuffled in each epoch.

  A pure function of the round, the host and the number of recordings.
  """

  def __init__(
      self, part: Round, shard_index: int, recordings: Int[np.ndarray, ' n']
  ):
    """Args: `recordings` are those of this host."""
    self._seed = part.seed, shard_index
    self._recordings = recordings
    epochs = sys.maxsize if part.epochs is None else part.epochs
    # Endless for every purpose: `len` may be no larger.
    self._length = min(epochs * len(recordings), sys.maxsize)
    # Two, as who reads ahead is in the next epoch while this one ends.
    self._epoch = functools.lru_cache(2)(self._shuffle)

  def __len__(self) -> int:
    return self._length

  def __getitem__(self, place: int) -> Visit:
    if not 0 <= place < self._length:
      raise IndexError(place)
    epoch, here = divmod(place, len(self._recordings))
    recordings, seeds = self._epoch(epoch)
    return Visit(int(recordings[here]), seeds[here])

  def _shuffle(
      self, epoch: int
  ) -> tuple[Int[np.ndarray, ' n'], Int[np.ndarray, 'n 2']]:
    # Each epoch from its own number, so that a reader can go on at any place
    # without drawing what was before it.
    random = np.random.default_rng((*self._seed, epoch))
    count = len(self._recordings)
    seeds = random.integers(-(2**31), 2**31, (count, 2), np.int32)
    return self._recordings[random.permutation(count)], seeds


class InOrder(Sequence):
  """All recordings once, as they stand in the files."""

  def __init__(self, count: int):
    self._count = count

  def __len__(self) -> int:
    return self._count

  def __getitem__(self, place: int) -> Visit:
    if not 0 <= place < self._count:
      raise IndexError(place)
    return Visit(place, np.zeros(2, np.int32))
