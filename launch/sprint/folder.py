"""Folders that travel: few files, none of them large, and an index.

index.json               what it is, and the files of each stream of bytes
STREAM-DIGEST-N.bin      pieces of a stream

The index is replaced last and at once: whoever is killed while writing leaves
what was there before.
"""

import hashlib
import io
import json
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from flax import traverse_util
from jaxtyping import PyTree

from audiolm_jax.errors import UserError

MIB = 2**20
FILE_BYTES = 16 * MIB
FOLDER_BYTES = 60 * MIB

_INDEX = 'index.json'
# For the index, and for the program or the log of a run.
_SPARE = MIB


class Parcel(NamedTuple):
  """The contents of a folder.

  Attributes:
    contents: JSON that says what it is.
    streams: Bytes by name.
  """

  contents: dict[str, Any]
  streams: dict[str, bytes]


def room(streams: Iterable[bytes], max_bytes: int = FOLDER_BYTES) -> int:
  """Bytes that are left beside some streams.

  Raises:
    UserError: There are none.
  """
  taken = sum(map(len, streams))
  left = max_bytes - _SPARE - taken
  if left <= 0:
    raise UserError(
        f'{taken / MIB:.1f} MiB do not fit into the'
        f' {(max_bytes - _SPARE) / MIB:.1f} MiB of a folder that travels; take'
        ' a smaller model, or raise --max_mib if more can be carried.'
    )
  return left


def check_filled(count: int) -> None:
  """Raises UserError if there was room for nothing that can be learnt."""
  if not count:
    raise UserError('There is no room for what is learnt; raise --max_mib.')


def check_weights(weights: PyTree) -> None:
  """Raises UserError if weights, or their shapes, could not come back."""
  size = 2 * sum(leaf.size for leaf in jax.tree.leaves(weights))
  if size > FOLDER_BYTES - _SPARE:
    raise UserError(
        f'The weights take {size / MIB:.1f} MiB in float16, and'
        f' {(FOLDER_BYTES - _SPARE) / MIB:.1f} can come back; take a smaller'
        ' model.'
    )


def write(
    folder: pathlib.Path,
    parcel: Parcel,
    file_bytes: int = FILE_BYTES,
    max_bytes: int = FOLDER_BYTES,
) -> None:
  """Writes a folder, or replaces what `write` left in it.

  Raises:
    UserError: The folder would be too large.
  """
  room(parcel.streams.values(), max_bytes)
  folder.mkdir(parents=True, exist_ok=True)
  names = {
      name: _write_pieces(folder, name, data, file_bytes)
      for name, data in parcel.streams.items()
  }
  index = {'contents': parcel.contents, 'streams': names}
  partial = folder / f'{_INDEX}.partial'
  partial.write_text(json.dumps(index, indent=2) + '\n')
  partial.replace(folder / _INDEX)
  kept = {piece for pieces in names.values() for piece in pieces}
  for path in folder.glob('*.bin'):
    if path.name not in kept:
      path.unlink()


def read(folder: pathlib.Path) -> Parcel:
  """Reads a folder and checks that it arrived as it was.

  Raises:
    UserError: The folder is not of `write`, or a piece is missing or damaged.
  """
  try:
    index = json.loads((folder / _INDEX).read_text())
    streams = {
        name: b''.join((folder / piece).read_bytes() for piece in pieces)
        for name, pieces in index['streams'].items()
    }
  except (OSError, ValueError, KeyError) as error:
    raise UserError(
        f'{folder} is not a folder of launch.sprint, or a file of it is missing'
        f' ({error}); copy it again.'
    ) from error
  for name, pieces in index['streams'].items():
    if any(_digest(streams[name]) not in piece for piece in pieces):
      raise UserError(f'{folder}: {name} is damaged; copy the folder again.')
  return Parcel(index['contents'], streams)


def to_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
  """Arrays by name as one stream."""
  file = io.BytesIO()
  np.savez(file, **arrays)
  return file.getvalue()


def from_bytes(data: bytes) -> dict[str, np.ndarray]:
  """The arrays that `to_bytes` took."""
  with np.load(io.BytesIO(data)) as arrays:
    return dict(arrays)


def weights_to_bytes(weights: PyTree) -> bytes:
  """Nested dicts of weights in float16.

  Raises:
    UserError: One is not finite in float16.
  """
  leaves = traverse_util.flatten_dict(weights, sep='/')
  with np.errstate(over='ignore'):
    halves = {name: np.asarray(leaf, 'f2') for name, leaf in leaves.items()}
  for name, leaf in halves.items():
    if not np.isfinite(leaf).all():
      raise UserError(f'{name} has weights that float16 cannot hold.')
  return to_bytes(halves)


def weights_from_bytes(data: bytes) -> PyTree:
  """Nested dicts of float32, as good as float16 kept them."""
  leaves = {name: leaf.astype('f4') for name, leaf in from_bytes(data).items()}
  return traverse_util.unflatten_dict(leaves, sep='/')


def _write_pieces(
    folder: pathlib.Path, name: str, data: bytes, size: int
) -> list[str]:
  starts = range(0, len(data), size)
  names = [f'{name}-{_digest(data)}-{n}.bin' for n in range(len(starts))]
  for piece, start in zip(names, starts, strict=True):
    (folder / piece).write_bytes(data[start : start + size])
  return names


def _digest(data: bytes) -> str:
  return hashlib.sha256(data).hexdigest()[:12]
