"""Storage of weights in a file: in full, in half the room or in a quarter."""

from collections.abc import Collection, Iterable, Mapping

import numpy as np
import safetensors
import safetensors.numpy
from flax import traverse_util
from jaxtyping import PyTree

DTYPES = ('float32', 'float16', 'int8')
# The same as safetensors calls them.
_READABLE = {'F32', 'F16', 'I8'}

# As many neighbours share a scale, and this marks where their scales lie.
_BLOCK = 64
_SCALES = ':scales'
# Vectors are a hundredth of a model and are multiplied with everything.
_SMALLEST = 4096
_LARGEST = float(np.finfo(np.float16).max)


def load(data: bytes) -> PyTree:
  """Returns the float32 arrays of a file, in nested dicts.

  Raises:
    ValueError: These are no safetensors, or not such as `shrink` makes.
  """
  try:
    entries = safetensors.deserialize(data)
  except safetensors.SafetensorError as error:
    raise ValueError(f'it is no file of safetensors ({error})') from error
  for name, entry in entries:
    if entry['dtype'] not in _READABLE:
      raise ValueError(f'{name} is of type {entry["dtype"]}')
  arrays = widen(safetensors.numpy.load(data))
  folders = {
      '/'.join(path[:depth])
      for path in (name.split('/') for name in arrays)
      for depth in range(1, len(path))
  }
  for name in folders & arrays.keys():
    raise ValueError(f'{name} is an array and a folder of arrays')
  return traverse_util.unflatten_dict(arrays, sep='/')


def dtype_of(names: Iterable[str], dtypes: Collection[str]) -> str:
  """Returns which of DTYPES a file was shrunk to.

  Args:
    names: Names of its arrays.
    dtypes: Their types, as safetensors calls them.
  """
  if any(name.endswith(_SCALES) for name in names):
    return 'int8'
  return 'float16' if 'F16' in dtypes else 'float32'


def shrink(
    arrays: Mapping[str, np.ndarray], dtype: str
) -> dict[str, np.ndarray]:
  """Rounds arrays to what a file holds.

  Rounding what has been rounded changes nothing, so a bundle may be read and
  written any number of times.

  Args:
    arrays: Floats by name.
    dtype: One of DTYPES. With int8, matrices become integers of at most 127
      and a float32 scale for every 64 neighbours; the rest becomes float16.

  Raises:
    ValueError: A number is too large for float16; the message names the array.
  """
  shrunk = {}
  for name, array in arrays.items():
    if dtype == 'int8' and array.ndim > 1 and array.size >= _SMALLEST:
      shrunk[name], shrunk[name + _SCALES] = _to_int8(array)
    elif dtype == 'float32':
      shrunk[name] = array
    elif np.abs(array).max(initial=0) > _LARGEST:
      raise ValueError(name)
    else:
      shrunk[name] = array.astype(np.float16)
  return shrunk


def widen(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
  """Returns what `shrink` wrote, with every float as float32.

  Raises:
    ValueError: Integers and their scales are not as many as they must be.
  """
  wide = {}
  for name, array in arrays.items():
    if name.endswith(_SCALES):
      continue
    scales = arrays.get(name + _SCALES)
    if scales is not None:
      if scales.shape != (-(-array.size // _BLOCK),):
        raise ValueError(f'{name} has scales of shape {scales.shape}')
      wide[name] = _from_int8(array, scales)
    elif array.dtype == np.float16:
      wide[name] = array.astype(np.float32)
    else:
      wide[name] = array
  return wide


def _to_int8(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  blocks = _blocks(array.astype(np.float32))
  scales = _short(np.abs(blocks).max(axis=1) / 127)
  # Blocks of zeros stay zeros whatever divides them.
  safe = np.where(scales > 0, scales, 1)
  values = np.clip(np.rint(blocks / safe[:, None]), -127, 127)
  flat = values.astype(np.int8).reshape(-1)[: array.size]
  return flat.reshape(array.shape), scales


def _from_int8(values: np.ndarray, scales: np.ndarray) -> np.ndarray:
  blocks = _blocks(values.astype(np.float32)) * scales[:, None]
  return blocks.reshape(-1)[: values.size].reshape(values.shape)


def _blocks(array: np.ndarray) -> np.ndarray:
  flat = array.reshape(-1)
  return np.pad(flat, (0, -flat.size % _BLOCK)).reshape(-1, _BLOCK)


def _short(scales: np.ndarray) -> np.ndarray:
  # With 16 bits fewer, integer x scale is exact, and so is its way back.
  mantissas, exponents = np.frexp(scales)
  return np.ldexp(np.rint(mantissas * 2**12) / 2**12, exponents).astype(
      np.float32
  )
