"""Contents of store.json: whose tokens a store holds, in which shards."""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from msgspec import Meta, Struct

from audiolm_jax import described
from audiolm_jax.tokens.fields import ACOUSTIC, SEMANTIC
from audiolm_jax.tokens.stages import Sizes
from audiolm_jax.tokens.store import shards

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

  @classmethod
  def from_json(cls, value: Any, path: str) -> 'Metadata':
    """Takes over what a file says; UserError if it is damaged."""
    described.check(value, _Described, f'{path} is damaged', shards.MEND)
    return cls(**value)
