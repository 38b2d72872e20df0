"""Random access to the recordings of a token store's shards."""

import functools
import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from audiolm_jax.errors import UserError
from audiolm_jax.tokens.sequence import Codes
from audiolm_jax.tokens.store import shards, store, tfrecord
from audiolm_jax.tokens.store.records import Record, parse, parse_codes


class Recordings(Sequence):
  """Recordings of some shards by number, read where they lie.

  A shard is opened when one of its recordings is first asked for. Threads may
  share an instance.
  """

  def __init__(
      self,
      paths: Sequence[str],
      listed: Mapping[str, Mapping[str, Any]],
      num_levels: int,
  ):
    """Args: `listed` by name of the file, as in store.Metadata.shards.

    What is not listed is counted at once.
    """
    self._paths = list(paths)
    self._num_levels = num_levels
    self._offsets = functools.cache(_offsets)
    counts = [self._count(path, listed) for path in self._paths]
    self._ends = list(itertools.accumulate(counts))

  def _count(self, path: str, listed: Mapping[str, Mapping[str, Any]]) -> int:
    known = listed.get(shards.name_of(path))
    return known['clips'] if known else len(self._offsets(path))

  def __len__(self) -> int:
    return self._ends[-1] if self._ends else 0

  def __getitem__(self, number: int) -> Record:
    return parse(self.serialized(number), self._num_levels)

  def codes(self, number: int, sources: Collection[str]) -> Codes:
    """Its ids and codes, of these sources alone."""
    return parse_codes(self.serialized(number), self._num_levels, sources)

  def serialized(self, number: int) -> bytes:
    """A recording as it stands in its file.

    Raises:
      UserError: The file is damaged or gone.
    """
    shard = int(np.searchsorted(self._ends, number, side='right'))
    path = self._paths[shard]
    first = self._ends[shard - 1] if shard else 0
    offsets = self._offsets(path)
    if len(offsets) != self._ends[shard] - first:
      raise UserError(
          f'{path} has {len(offsets)} recordings and had'
          f' {self._ends[shard] - first}; {shards.MEND}'
      )
    with shards.named(path):
      return tfrecord.read_at(path, offsets[number - first])


def of_files(token_dir: str, files: Sequence[str]) -> Recordings:
  """Recordings of these shards of a store, in the order of the files."""
  metadata = store.read_metadata(token_dir)
  levels = metadata.sizes.num_quantizers
  return Recordings(files, metadata.shards or {}, levels)


def _offsets(path: str) -> list[int]:
  with shards.named(path):
    return tfrecord.offsets(path)
