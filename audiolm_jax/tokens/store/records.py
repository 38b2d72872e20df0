"""One clip of the token store, in memory and as a tf.train.Example."""

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from google.protobuf.message import DecodeError
from jaxtyping import Int

from audiolm_jax.errors import UserError
from audiolm_jax.tokens.fields import ACOUSTIC, SEMANTIC
from audiolm_jax.tokens.store.example import Example


class Record(NamedTuple):
  """One clip.

  Attributes:
    id: Unique in its store.
    semantic: One id a frame, repeats included.
    acoustic: Codes of all levels.
    seconds: Length of the clip, without padding.
    split: 'train', 'dev', 'test', ...
    speaker: Name of the speaker, or ''.
  """

  id: str
  semantic: Int[np.ndarray, ' T']
  acoustic: Int[np.ndarray, 'T2 Q']
  seconds: float
  split: str
  speaker: str = ''


def serialize(record: Record) -> bytes:
  """Returns a record as a serialized tf.train.Example."""
  example = Example()
  feature = example.features.feature
  for name in ('id', 'speaker', 'split'):
    text = getattr(record, name).encode(errors='backslashreplace')
    feature[name].bytes_list.value.append(text)
  for name in (SEMANTIC, ACOUSTIC):
    values = getattr(record, name).reshape(-1).tolist()
    feature[name].int64_list.value.extend(values)
  feature['seconds'].float_list.value.append(record.seconds)
  # In the order of the names: equal records are equal bytes.
  return example.SerializeToString(deterministic=True)


def parse(serialized: bytes, num_levels: int) -> Record:
  """The record that `serialize` wrote.

  Raises:
    UserError: The bytes are no record of tokens, or its codes do not come in so
      many levels.
  """
  with _refused():
    feature = Example.FromString(serialized).features.feature
    return Record(
        id=_text(feature, 'id'),
        semantic=_integers(feature, SEMANTIC),
        acoustic=_frames(feature, num_levels),
        seconds=_only(feature['seconds'].float_list.value),
        split=_text(feature, 'split'),
        speaker=_text(feature, 'speaker') if 'speaker' in feature else '',
    )


def parse_codes(
    serialized: bytes, num_levels: int, sources: Collection[str]
) -> dict[str, Int[np.ndarray, '_ _']]:
  """The ids and codes of a record, of these sources alone.

  Raises:
    UserError: The bytes are no record of tokens, or its codes do not come in so
      many levels.
  """
  with _refused():
    feature = Example.FromString(serialized).features.feature
    found = {}
    if SEMANTIC in sources:
      found[SEMANTIC] = _integers(feature, SEMANTIC)[:, None]
    if ACOUSTIC in sources:
      found[ACOUSTIC] = _frames(feature, num_levels)
    return found


@contextlib.contextmanager
def _refused() -> Iterator[None]:
  try:
    yield
  except UserError:  # It is a ValueError as well.
    raise
  except (DecodeError, ValueError) as error:
    raise UserError(
        'A record of the token store is not that of a clip; extract it again.'
    ) from error


def _frames(
    feature: Mapping[str, Any], num_levels: int
) -> Int[np.ndarray, 'T Q']:
  codes = _integers(feature, ACOUSTIC)
  if len(codes) % num_levels:
    raise UserError(
        f'{_text(feature, "id")} has {len(codes)} codes, no frames of'
        f' {num_levels} levels; its store.json is of another store. Extract it'
        ' again.'
    )
  return codes.reshape(-1, num_levels)


def _text(feature: Mapping[str, Any], name: str) -> str:
  return _only(feature[name].bytes_list.value).decode()


def _only(values: Sequence[Any]) -> Any:
  """The value of a feature that has one; ValueError if it has not."""
  (value,) = values
  return value


def _integers(feature: Mapping[str, Any], name: str) -> Int[np.ndarray, ' T']:
  """ValueError if they are too large for an id."""
  values = np.array(feature[name].int64_list.value[:], np.int64)
  ids = values.astype(np.int32)
  if (ids != values).any():
    raise ValueError(name)
  return ids
