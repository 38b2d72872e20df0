"""Arrays of files that torch wrote before version 1.6, without running them.

Such a file is five pickles and then the numbers. The pickles are only listed
(pickletools), so that nothing they name is imported or called.
"""

import io
import math
import pickletools
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

_HEADERS = 3  # Magic number, version, sizes of types.
_TUPLES = {'TUPLE1': 1, 'TUPLE2': 2, 'TUPLE3': 3}


class _Place(NamedTuple):
  """The place of a tensor: its storage, and where it begins there."""

  storage: str
  offset: int
  shape: tuple[int, ...]


def read(
    data: bytes, names: Collection[str]
) -> dict[str, Float[np.ndarray, '...']]:
  """float32 tensors by their names in a state dict; they are contiguous.

  Raises:
    KeyError: One of `names` is not there.
  """
  stream = io.BytesIO(data)
  for _ in range(_HEADERS):
    list(pickletools.genops(stream))
  places = {
      name: _place(operations)
      for name, operations in _tensors(stream, names).items()
  }
  storages = {}
  for key in _strings(list(_operations(stream))):
    size = int.from_bytes(stream.read(8), 'little')
    storages[key] = np.frombuffer(stream.read(4 * size), '<f4')
  arrays = {}
  for name in names:
    storage, offset, shape = places[name]
    flat = storages[storage][offset : offset + math.prod(shape)]
    arrays[name] = flat.reshape(shape)
  return arrays


def _operations(stream: io.BytesIO) -> Iterator[tuple[str, Any]]:
  for opcode, argument, _ in pickletools.genops(stream):
    if opcode.name not in ('BINPUT', 'LONG_BINPUT'):
      yield opcode.name, argument


def _strings(operations: list[tuple[str, Any]]) -> list[str]:
  return [argument for name, argument in operations if name == 'BINUNICODE']


def _tensors(
    stream: io.BytesIO, names: Collection[str]
) -> dict[str, list[tuple[str, Any]]]:
  """The tensors behind each name, up to the next one."""
  found, current = {}, []
  for operation in _operations(stream):
    if operation[0] == 'BINUNICODE' and operation[1] in names:
      current = found[operation[1]] = []
    else:
      current.append(operation)
  return found


def _place(operations: list[tuple[str, Any]]) -> _Place:
  """Reads (storage ..., key, ...), offset, sizes off the machine's stack."""
  storage = next(s for s in _strings(operations) if s.isdecimal())
  persistent = [name for name, _ in operations].index('BINPERSID')
  (_, offset), *rest = operations[persistent + 1 :]
  sizes = []
  for name, argument in rest:
    if name in _TUPLES:
      return _Place(storage, offset, tuple(sizes[-_TUPLES[name] :]))
    sizes.append(argument)
  raise KeyError('A tensor has no shape.')
