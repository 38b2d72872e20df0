"""NumPy's arrays as pickles and joblib's files hold them."""

import io
import math
import re
from typing import Any

import numpy as np

from audiolm_jax.pretrained.pickle_tree import Node

_WRAPPER = 'NumpyArrayWrapper'  # Of joblib; the numbers follow the opcodes.
_ALIGNMENT = 'numpy_array_alignment_bytes'  # Since joblib 1.2.


def read_raw(node: Node, stream: io.BytesIO) -> None:
  """Takes the bytes that follow joblib's wrapper of an array.

  Raises:
    ValueError, KeyError, TypeError: There are too few, or it is damaged.
  """
  if node.maker.name != _WRAPPER:
    return
  if node.state.get(_ALIGNMENT) is not None:
    [padding] = stream.read(1)
    stream.read(padding)
  # A product of Python's integers: one of NumPy's could wrap around, where the
  # shape is forged, and agree with what is there.
  size = _dtype(node.state['dtype']).itemsize * math.prod(
      _shape(node.state['shape'])
  )
  node.raw = stream.read(size)
  if len(node.raw) < size:
    raise ValueError('The file ends within an array.')


def array(node: Any) -> np.ndarray:
  """The array that a node stands for.

  Raises:
    ValueError, KeyError, TypeError: It stands for none, or is damaged.
  """
  name = node.maker.name if isinstance(node, Node) else ''
  if name == _WRAPPER:
    state = node.state
    return _array(node.raw, state['dtype'], state['shape'], state['order'])
  if name == '_reconstruct':
    _, shape, dtype, fortran, raw = node.state
    return _array(raw, dtype, shape, 'F' if fortran else 'C')
  if name == '_frombuffer':
    return _array(*node.args)
  raise ValueError('There is no array.')


def _array(raw: Any, dtype: Any, shape: Any, order: str) -> np.ndarray:
  numbers = np.frombuffer(_bytes(raw), _dtype(dtype))
  return numbers.reshape(_shape(shape), order='F' if order == 'F' else 'C')


def _bytes(raw: Any) -> bytes:
  """Protocols before 3 have no bytes, but strings of their values."""
  if isinstance(raw, Node) and raw.maker.name == 'encode':
    raw = raw.args[0]
  raw = raw.encode('latin1') if isinstance(raw, str) else raw
  # bytes() of a number would make as many zeros.
  if not isinstance(raw, bytes | bytearray):
    raise ValueError('The numbers of an array are no bytes.')
  return bytes(raw)


def _dtype(node: Any) -> np.dtype:
  """A dtype of plain numbers or characters; objects would be pickles again."""
  if not isinstance(node, Node) or node.maker.name != 'dtype':
    raise ValueError('There is no dtype.')
  code, order = node.args[0], node.state[1]
  if not re.fullmatch('[fiubSU][0-9]{1,4}', code) or order not in '<>|=':
    raise ValueError(f'Arrays of dtype {code} are not read.')
  return np.dtype(order + code)


def _shape(shape: Any) -> tuple[int, ...]:
  if not all(type(size) is int and size >= 0 for size in shape):
    raise ValueError('The shape is damaged.')
  return tuple(shape)
