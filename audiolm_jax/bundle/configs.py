"""Checks of a part's configuration, before a module is built from it."""

import dataclasses
import typing
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from flax import linen as nn
from msgspec import Meta, Struct

from audiolm_jax import described

_MEND = 'copy the folder again, or train the part anew.'

# No size of any model is larger.
_Number = Annotated[int, Meta(ge=0, le=1 << 24)]
_Positive = Annotated[int, Meta(ge=1, le=1 << 24)]
_Rate = Annotated[float, Meta(gt=0, le=1e6)]
_Digest = Annotated[str, Meta(pattern='^[0-9a-f]{64}$')]
_Fingerprint = Annotated[str, Meta(pattern='^[0-9a-f]{1,64}$')]


class Entry(Struct, forbid_unknown_fields=True):
  """A part in bundle.json."""

  sha256: _Digest
  config: dict[str, Any]


class Description(Struct, forbid_unknown_fields=True):
  """The contents of bundle.json."""

  format: _Positive
  parts: dict[str, Entry]


class _Field(Struct, forbid_unknown_fields=True):
  source: typing.Literal['semantic', 'acoustic']
  levels: Annotated[list[_Number], Meta(min_length=2, max_length=2)]
  codebook_size: _Positive
  frames_per_second: _Rate
  offset: _Number
  deduplicate: bool


class _Stage(Struct, forbid_unknown_fields=True):
  name: str
  prefix: list[_Field]
  target: _Field
  positions: typing.Literal['index', 'time']


class Beside(Struct):
  """The settings of a configuration beside the fields of its module."""

  kind: str
  stage: _Stage | None = None
  tokenizers: dict[str, _Fingerprint] = {}
  crop_seconds: Annotated[float, Meta(ge=0, le=86400)] | None = None
  layer: _Number | None = None
  temperature: Annotated[float, Meta(ge=0, le=100)] | None = None


def check(
    module: type[nn.Module], fields: Mapping[str, Any], where: str
) -> None:
  """Checks the fields of a module by their annotations.

  Sizes may be 0 where a module counts extra blocks, and never negative.

  Raises:
    UserError: One is of another type or out of range; it is named.
  """
  annotations = {f.name: f.type for f in dataclasses.fields(module)}
  for name, value in fields.items():
    kind = _NARROWED.get(annotations[name], annotations[name])
    described.check(value, kind, f'{where} has a bad {name}', _MEND)


def check_beside(config: Mapping[str, Any], where: str) -> None:
  """Checks what a configuration says beside the fields of its module.

  Raises:
    UserError: Something is of another type or out of range; it is named.
  """
  # A model that was trained without its stage's configuration has an empty one.
  said = {name: value for name, value in config.items() if value != {}}
  described.check(said, Beside, f'{where} is damaged', _MEND)


_NARROWED = {
    int: _Number,
    float: Annotated[float, Meta(ge=-1e9, le=1e9)],
    tuple[int, ...]: tuple[_Positive, ...],
    Sequence[int]: tuple[_Positive, ...],
}
