"""The token store: TFRecord shards, and who wrote them.

train-00003-of-00064.tfrecord   clips; each clip is in exactly one shard
store.json                      the tokenizers' fingerprints, sizes and rates,
                                and the shards' sizes and digests

store.json is written last: a folder without it is not finished.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, NamedTuple

from etils import epath
from msgspec import Meta, Struct

from audiolm_jax import described
from audiolm_jax.errors import UserError
from audiolm_jax.tokens.fields import ACOUSTIC, SEMANTIC
from audiolm_jax.tokens.layout import Stage
from audiolm_jax.tokens.stages import Sizes
from audiolm_jax.tokens.store import shards
from audiolm_jax.tokens.store.records import Record, parse
from audiolm_jax.tokens.tokenizers.contract import Tokenizers

METADATA = 'store.json'


_Count = Annotated[int, Meta(ge=0)]
_Size = Annotated[int, Meta(ge=1, le=1 << 24)]
_Seconds = Annotated[float, Meta(ge=0)]


class _Tokenizer(Struct, forbid_unknown_fields=True):
  fingerprint: str
  hop_length: _Size
  codebook_size: _Size
  num_quantizers: _Size | None = None


class _Tokenizers(Struct, forbid_unknown_fields=True):
  semantic: _Tokenizer
  acoustic: _Tokenizer


class _Split(Struct, forbid_unknown_fields=True):
  clips: _Count
  seconds: _Seconds


class _Shard(Struct, forbid_unknown_fields=True):
  clips: _Count
  # Unknown of shards that an earlier version wrote.
  bytes: _Count | None = None
  sha256: str | None = None


class _Described(Struct, forbid_unknown_fields=True):
  """The contents of store.json."""

  sample_rate: _Size
  tokenizers: _Tokenizers
  splits: dict[str, _Split]
  shards: dict[str, _Shard] | None = None


class Metadata(NamedTuple):
  """The contents of store.json, as NamedTuples.

  Attributes:
    sample_rate: In Hz, of the audio that was tokenized.
    tokenizers: By source: fingerprint, hop_length, codebook_size and, of the
      acoustic one, num_quantizers.
    splits: By name: number of clips, and their seconds.
    shards: By name of the file: number of clips, size and digest; None if an
      earlier version wrote the store.
  """

  sample_rate: int
  tokenizers: Mapping[str, Mapping[str, Any]]
  splits: Mapping[str, Mapping[str, Any]]
  shards: Mapping[str, Mapping[str, Any]] | None = None

  @property
  def sizes(self) -> Sizes:
    """Sizes of the tokenizers that the stages must know."""
    semantic, acoustic = self.tokenizers[SEMANTIC], self.tokenizers[ACOUSTIC]
    return Sizes(
        semantic_codebook_size=semantic['codebook_size'],
        semantic_rate=self.sample_rate / semantic['hop_length'],
        acoustic_codebook_size=acoustic['codebook_size'],
        acoustic_rate=self.sample_rate / acoustic['hop_length'],
        num_quantizers=acoustic['num_quantizers'],
    )

  @property
  def fingerprints(self) -> dict[str, str]:
    """Fingerprints of the tokenizers, by source."""
    return {
        source: tokenizer['fingerprint']
        for source, tokenizer in self.tokenizers.items()
    }


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
  value = shards.read_json(path)
  described.check(value, _Described, f'{path} is damaged', shards.MEND)
  return Metadata(**value)


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
