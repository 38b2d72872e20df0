"""Which clips go into which shard of a token store, and what became of them."""

import collections
import dataclasses
import json
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError
from audiolm_jax.tokens.store import store

_SECONDS_A_SHARD = 600


class Source(NamedTuple):
  """A clip as the pipeline needs it.

  Attributes:
    id: Path from the folder that all clips are in.
    path: Audio file.
    speaker: Who speaks, or ''.
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
      path = store.shard_path(output_dir, split, i, len(dealt))
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


def _summary_path(shard: Shard) -> str:
  return f'{shard.path.removesuffix(".tfrecord")}.json'


def write_summary(shard: Shard, summary: dict[str, Any]) -> None:
  """Writes `clips`, `seconds` and `failures` of a shard beside it."""
  store.write_json(_summary_path(shard), summary)


def is_complete(shard: Shard) -> bool:
  """Whether it is there with all of its clips; files may have been mended."""
  return tf.io.gfile.exists(shard.path) and not read_summary(shard)['failures']


def read_summary(shard: Shard) -> dict[str, Any]:
  """Reads what write_summary wrote."""
  with tf.io.gfile.GFile(_summary_path(shard)) as file:
    return json.load(file)
