"""Clips dealt out to the shards of a token store, and what became of them."""

import collections
import dataclasses
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from etils import epath

from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError
from audiolm_jax.tokens.store.shards import (
    is_intact,
    path_of,
    read_json,
    summary_path,
    write_json,
)

_SECONDS_A_SHARD = 600


class Source(NamedTuple):
  """A clip as the pipeline needs it.

  Attributes:
    id: Path from the folder that all clips are in.
    path: Audio file.
    speaker: Name of the speaker, or ''.
  """

  id: str
  path: str
  speaker: str


# Beam takes a NamedTuple for a row of a table.
@dataclasses.dataclass(frozen=True)
class Shard:
  """The clips of one file of the store."""

  path: str
  split: str
  sources: tuple[Source, ...]


def deal(
    clips: Sequence[Clip], output_dir: str, num_shards: int | None
) -> list[Shard]:
  """Deals clips out to shards, the same whenever the clips are the same.

  Neighbours in the manifest, often of one speaker, come to different shards.

  Raises:
    UserError: There is no clip, or one twice.
  """
  _check(clips)
  folder = os.path.commonpath([os.path.dirname(clip.path) for clip in clips])
  splits = collections.defaultdict(list)
  for clip in sorted(clips, key=lambda clip: clip.path):
    splits[clip.split].append(clip)
  shards = []
  for split, members in sorted(splits.items()):
    dealt = _deal_split(members, num_shards)
    for i, part in enumerate(dealt):
      path = path_of(output_dir, split, i, len(dealt))
      sources = tuple(_source(clip, folder) for clip in part)
      shards.append(Shard(path, split, sources))
  return shards


def _deal_split(
    clips: Sequence[Clip], num_shards: int | None
) -> list[list[Clip]]:
  if num_shards is None:
    seconds = sum(clip.seconds for clip in clips)
    num_shards = int(seconds / _SECONDS_A_SHARD) + 1
  order = np.random.default_rng(0).permutation(len(clips))
  count = min(num_shards, len(clips))
  return [[clips[i] for i in order[shard::count]] for shard in range(count)]


def _check(clips: Sequence[Clip]) -> None:
  if not clips:
    raise UserError('There is no clip to tokenize.')
  counts = collections.Counter(clip.path for clip in clips)
  path, count = counts.most_common(1)[0]
  if count > 1:
    raise UserError(f'{path} is {count} times among the clips; name it once.')


def _source(clip: Clip, folder: str) -> Source:
  return Source(
      os.path.relpath(clip.path, folder), clip.path, clip.speaker or ''
  )


def write_summary(shard: Shard, summary: dict[str, Any]) -> None:
  """Writes beside a shard what it is, its `seconds` and `failures`."""
  write_json(summary_path(shard.path), summary)


def is_complete(shard: Shard) -> bool:
  """Returns whether it is there, undamaged, with all clips that can be read."""
  if not epath.Path(summary_path(shard.path)).exists():
    return False
  summary = read_summary(shard)
  return not summary['failures'] and is_intact(shard.path, summary)


def read_summary(shard: Shard) -> dict[str, Any]:
  """Reads what write_summary wrote."""
  return read_json(summary_path(shard.path))
