"""Centroids that others have published for HuBERT's features.

fairseq and textless give out scikit-learn's estimator as joblib pickled it
(hubert_base_ls960_L9_km500.bin). It is read, not run: see `pickle_tree`.
"""

import os
import pathlib
import tokenize
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import safetensors
from jaxtyping import Float
from safetensors import numpy as safetensors_numpy

from audiolm_jax.errors import UserError
from audiolm_jax.pretrained import pickle_tree, pickled_arrays
from audiolm_jax.pretrained.pickle_tree import Node

# By which names, in this order, centroids are known.
_KEYS = ('cluster_centers_', 'centroids')
_LARGEST = 2**30  # Bytes that a compressed file may hold.
_DAMAGED = (
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    OverflowError,
    MemoryError,
    tokenize.TokenError,  # Of the header of .npy.
    zlib.error,
)


def read(path: str | os.PathLike) -> Float[np.ndarray, 'K D']:
  """Centroids in float32, of features as the model gives them.

  Args:
    path: .npy; .safetensors, where the array is called cluster_centers_ or
      centroids or is the only one of two axes; any other name: a pickle of
      scikit-learn's KMeans or MiniBatchKMeans, by joblib or plain, as it
      is or compressed by zlib or gzip.

  Raises:
    UserError: There is no such file, or no centroids in it that can be read,
      or it is a pickle that asks for more than numbers.
  """
  path = pathlib.Path(path)
  readers = {'.npy': _read_npy, '.safetensors': _read_safetensors}
  try:
    found = readers.get(path.suffix, _read_pickle)(path)
  except OSError as error:
    raise UserError(
        f'Cannot read {path}: {error.strerror or error}.'
    ) from error
  except pickle_tree.Refused as error:
    raise UserError(
        f'{path} is refused: {error}, which no k-means needs; save the'
        ' centroids as .npy where you trust it.'
    ) from error
  except (*_DAMAGED, safetensors.SafetensorError) as error:
    reason = ' '.join(str(error).split())[:80]
    raise UserError(
        f'{path} holds no k-means that can be read ({reason}); give a pickle of'
        " scikit-learn's KMeans, compressed by nothing but zlib or gzip, or the"
        ' centroids as .npy.'
    ) from error
  return _checked(found, path)


def _checked(found: np.ndarray, path: pathlib.Path) -> np.ndarray:
  if found.ndim != 2 or not found.size or found.dtype.kind not in 'fiu':
    raise UserError(
        f'{path} holds {found.dtype} of shape {found.shape}; centroids are'
        ' numbers of shape (clusters, features).'
    )
  found = np.ascontiguousarray(found, np.float32)
  if not np.isfinite(found).all():
    raise UserError(f'{path} holds centroids that are not finite; fit anew.')
  return found


def _read_npy(path: pathlib.Path) -> np.ndarray:
  with path.open('rb') as file:
    return np.lib.format.read_array(file, allow_pickle=False)


def _read_safetensors(path: pathlib.Path) -> np.ndarray:
  tensors = safetensors_numpy.load_file(path)
  tables = [tensor for tensor in tensors.values() if tensor.ndim == 2]
  if len(tables) == 1:
    return tables[0]
  return _named(tensors)


def _read_pickle(path: pathlib.Path) -> np.ndarray:
  data = _unpacked(path.read_bytes())
  tree = pickle_tree.read(data, pickled_arrays.read_raw)
  fields = tree.state if isinstance(tree, Node) else tree
  # An array of its own is a Node as well, but its state has no such names.
  named = isinstance(fields, dict) and any(key in fields for key in _KEYS)
  return pickled_arrays.array(_named(fields) if named else tree)


def _unpacked(data: bytes) -> bytes:
  """No pickle begins as what zlib and gzip write."""
  if not data.startswith((b'x', b'\x1f\x8b')):
    return data
  unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)  # Either of the two.
  # Bounded: zlib shrinks zeros a thousandfold, and a small file could fill the
  # memory.
  found = unpacker.decompress(data, _LARGEST)
  if not unpacker.eof:
    raise ValueError(f'It is cut, or of more than {_LARGEST} bytes.')
  return found


def _named(arrays: Mapping[str, Any]) -> Any:
  for key in _KEYS:
    if key in arrays:
      return arrays[key]
  raise ValueError(f'There is no {_KEYS[0]}.')
