"""JSON that describes our own files: sealed by a digest, and read strictly."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import msgspec

from audiolm_jax.errors import UserError

_SEAL = 'seal'
_LARGEST = 1 << 24  # Bytes; no description of ours comes near it.


def write(value: Mapping[str, Any]) -> str:
  """An object as text that ends with its own digest."""
  return json.dumps({**value, _SEAL: _digest(value)}, indent=2) + '\n'


def read(content: bytes, path: str, mend: str) -> dict[str, Any]:
  """The object that `write` wrote.

  Args:
    content: Bytes of the file. Files of earlier versions have no digest.
    path: Path of the file, for messages.
    mend: Advice to the user about damage, for messages.

  Raises:
    UserError: The content is no JSON object, too large or deep, or not what was
      written.
  """
  if len(content) > _LARGEST:
    raise UserError(f'{path} has {len(content)} bytes, too many; {mend}')
  try:
    value = msgspec.json.decode(content)
  except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
    raise UserError(f'{path} is damaged: {error}; {mend}') from error
  if not isinstance(value, dict):
    raise UserError(f'{path} is damaged: it holds no JSON object; {mend}')
  seal = value.pop(_SEAL, None)
  if seal is not None and seal != _digest(value):
    raise UserError(
        f'{path} is not what was written, by its own digest; {mend} (If it was'
        f' changed on purpose, take the line "{_SEAL}" out.)'
    )
  return value


def check(value: Any, kind: Any, where: str, mend: str) -> Any:
  """The value as an instance of `kind`, which names types and ranges.

  Raises:
    UserError: A field is missing, unknown, of another type or out of range.
  """
  try:
    return msgspec.convert(value, kind)
  except msgspec.ValidationError as error:
    raise UserError(f'{where}: {error}; {mend}') from error


def _digest(value: Mapping[str, Any]) -> str:
  text = json.dumps(value, sort_keys=True, separators=(',', ':'))
  return hashlib.sha256(text.encode()).hexdigest()
