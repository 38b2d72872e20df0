"""The token store: TFRecord shards, and who wrote them.

train-00003-of-00064.tfrecord   clips; each clip is in exactly one shard
store.json                      the tokenizers' fingerprints, sizes and rates,
                                and the shards' sizes and digests

store.json is written last: a folder without it is not finished.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from etils import epath

from audiolm_jax.errors import UserError
from audiolm_jax.tokens.fields import ACOUSTIC, SEMANTIC
from audiolm_jax.tokens.layout import Stage
from audiolm_jax.tokens.stages import Sizes
from audiolm_jax.tokens.store import shards
from audiolm_jax.tokens.store.metadata import Metadata
from audiolm_jax.tokens.store.records import Record, parse
from audiolm_jax.tokens.tokenizers.contract import Tokenizers

METADATA = 'store.json'


def describe(tokenizers: Tokenizers) -> dict[str, dict[str, Any]]:
  """Descriptions of the tokenizers, as in Metadata.tokenizers."""
  semantic, acoustic = tokenizers.semantic, tokenizers.acoustic
  return {
      SEMANTIC: {
          'fingerprint': semantic.fingerprint,
          'hop_length': semantic.hop_length,
          'codebook_size': semantic.codebook_size,
      },
      ACOUSTIC: {
          'fingerprint': acoustic.fingerprint,
          'hop_length': acoustic.hop_length,
          'codebook_size': acoustic.codebook_size,
          'num_quantizers': acoustic.num_quantizers,
      },
  }


def sizes(token_dir: str) -> Sizes:
  """Sizes of the tokenizers that the stages must know."""
  return read_metadata(token_dir).sizes


def fingerprints(token_dir: str) -> dict[str, str]:
  """Fingerprints of the tokenizers that wrote a store, by source."""
  return read_metadata(token_dir).fingerprints


def check_stage(token_dir: str, stage: Stage) -> None:
  """Raises UserError unless the stage reads such tokens."""
  sizes = read_metadata(token_dir).sizes
  found = {
      SEMANTIC: (sizes.semantic_codebook_size, sizes.semantic_rate),
      ACOUSTIC: (sizes.acoustic_codebook_size, sizes.acoustic_rate),
  }
  for field in stage.fields:
    size, rate = found[field.source]
    if (
        field.codebook_size != size
        or abs(field.frames_per_second - rate) > 1e-3
    ):
      raise UserError(
          f'The {stage.name} stage reads {field.source} tokens of'
          f' {field.codebook_size} codes at {field.frames_per_second:g} Hz;'
          f' {token_dir} has {size} codes at {rate:g} Hz. Make the stage with'
          ' store.sizes.'
      )
  levels = stage.target.levels.stop
  if stage.target.source == ACOUSTIC and levels > sizes.num_quantizers:
    raise UserError(
        f'The {stage.name} stage reads {levels} levels; {token_dir} has'
        f' {sizes.num_quantizers}. Make the stage with store.sizes.'
    )


def check_fingerprints(token_dir: str, expected: Mapping[str, str]) -> None:
  """Raises UserError unless these tokenizers, by source, wrote the store."""
  found = fingerprints(token_dir)
  for source, fingerprint in expected.items():
    if found[source] != fingerprint:
      raise UserError(
          f'{token_dir} holds {source} tokens of tokenizer {found[source]}, not'
          f' of {fingerprint}; extract it again with the one you want.'
      )


def read_metadata(token_dir: str) -> Metadata:
  """Reads store.json."""
  path = os.path.join(token_dir, METADATA)
  if not epath.Path(path).exists():
    raise UserError(
        f'{token_dir} is not a finished token store: it has no {METADATA}; run'
        ' audiolm extract, or run it again to finish.'
    )
  return Metadata.from_json(shards.read_json(path), path)


def write_metadata(token_dir: str, metadata: Metadata) -> None:
  """Writes store.json; the store is then finished."""
  shards.write_json(os.path.join(token_dir, METADATA), metadata._asdict())


def shard_paths(token_dir: str, split: str) -> list[str]:
  """The shards of a split, in order.

  Raises:
    UserError: The store has no such split, or lacks some of it.
  """
  metadata = read_metadata(token_dir)
  if split not in metadata.splits:
    raise UserError(
        f'{token_dir} has no split {split!r}; it has'
        f' {", ".join(metadata.splits)}.'
    )
  found = _named(token_dir, split, metadata)
  shards.check(found, metadata.shards or {})
  return found


def _named(token_dir: str, split: str, metadata: Metadata) -> list[str]:
  """Paths of all shards that there should be."""
  if metadata.shards:
    pattern = re.compile(re.escape(split) + r'-\d{5}-of-\d{5}\.tfrecord')
    names = filter(pattern.fullmatch, sorted(metadata.shards))
    return [os.path.join(token_dir, name) for name in names]
  # Earlier versions did not list them; but a name says how many there are.
  digits = '[0-9]' * 5
  name = f'{split}-{digits}-of-{digits}.tfrecord'
  paths = sorted(map(os.fspath, epath.Path(token_dir).glob(name)))
  count = int(paths[0][-len('00000.tfrecord') :][:5]) if paths else 1
  return [shards.path_of(token_dir, split, i, count) for i in range(count)]


def read(token_dir: str, split: str) -> Iterator[Record]:
  """Clips of a split, shard by shard."""
  num_levels = read_metadata(token_dir).sizes.num_quantizers
  for path in shard_paths(token_dir, split):
    for serialized in shards.read(path):
      yield parse(serialized, num_levels)


class Split(Iterable):
  """The clips of a split, which can be read any number of times."""

  def __init__(self, token_dir: str, split: str):
    self._token_dir, self._split = token_dir, split

  def __iter__(self) -> Iterator[Record]:
    return read(self._token_dir, self._split)
