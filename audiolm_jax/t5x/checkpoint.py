"""Reads what t5x's trainer saved, without t5x and without unpickling.

MODEL_DIR/checkpoint_STEP/checkpoint    t5x's own: msgpack, which has arrays or
                                        says where each lies (TensorStore, zarr)
MODEL_DIR/checkpoint_STEP/state/        Orbax's
"""

import os
import pathlib
import re
from typing import Any

import numpy as np
from flax import serialization
from jaxtyping import PyTree, Shaped

from audiolm_jax.errors import UserError

_INDEX, _ORBAX = 'checkpoint', 'state'
_MEND = 'copy the checkpoint again, or name another one.'
# Errors of msgpack, NumPy and TensorStore on files that they did not write.
_UNREADABLE = (ValueError, KeyError, TypeError, OverflowError, RecursionError)
_DEEPEST = 32


def find(path: str | os.PathLike) -> pathlib.Path:
  """The folder of a checkpoint.

  Args:
    path: MODEL_DIR, whose newest checkpoint is taken, one of its folders
      checkpoint_STEP, or the file `checkpoint` in it.

  Raises:
    UserError: There is no checkpoint.
  """
  path = pathlib.Path(path)
  folder = path.parent if path.name == _INDEX and path.is_file() else path
  if _is_checkpoint(folder):
    return folder
  steps = {}
  for candidate in folder.glob('checkpoint_*'):
    step = re.fullmatch(r'checkpoint_(\d+)', candidate.name)
    if step and _is_checkpoint(candidate):
      # By number: as text, 900 would be newer than 1000.
      steps[int(step[1])] = candidate
  if not steps:
    raise UserError(
        f'{path} has no checkpoint of t5x; name its MODEL_DIR, or a folder'
        ' checkpoint_STEP in it.'
    )
  return steps[max(steps)]


def _is_checkpoint(folder: pathlib.Path) -> bool:
  return (folder / _INDEX).is_file() or (folder / _ORBAX).is_dir()


def read(folder: pathlib.Path) -> PyTree:
  """The parameters, `target` of t5x's train state, as float32.

  Args:
    folder: Folder of the checkpoint, as `find` returns it.

  Raises:
    UserError: Something is missing or damaged.
  """
  if (folder / _INDEX).is_file():
    state = _read_index(folder / _INDEX)
  else:
    state = _read_orbax(folder / _ORBAX)
  # Since the first version; before it, the state stood alone.
  state = state.get('optimizer', state)
  target = state.get('target') if isinstance(state, dict) else None
  if not isinstance(target, dict):
    raise UserError(
        f'{folder} holds no parameters (`target` of a train state); {_MEND}'
    )
  return _arrays(target, folder, ())


def _read_index(path: pathlib.Path) -> dict[str, Any]:
  try:
    state = serialization.msgpack_restore(path.read_bytes())
  except OSError as error:
    raise UserError(f'Cannot read {path}: {error.strerror}.') from error
  except _UNREADABLE as error:
    raise UserError(
        f'{path} is no checkpoint of t5x ({_said(error)}); {_MEND}'
    ) from error
  if not isinstance(state, dict):
    raise UserError(f'{path} is no checkpoint of t5x; {_MEND}')
  return state


def _read_orbax(folder: pathlib.Path) -> dict[str, Any]:
  # Late: Orbax comes with the extra for training.
  from etils import epath

  from audiolm_jax.training.checkpoints import trees

  return trees.restore_stored(epath.Path(folder).resolve())


def _arrays(node: Any, folder: pathlib.Path, path: tuple[str, ...]) -> PyTree:
  """Arrays in the place of what says where they lie."""
  name = '/'.join(path)
  if len(path) > _DEEPEST:
    raise UserError(f'{folder}: {path[0]} has too many folders; {_MEND}')
  if isinstance(node, dict) and 'kvstore' not in node:
    return {
        str(key): _arrays(value, folder, (*path, str(key)))
        for key, value in node.items()
    }
  try:
    array = np.asarray(
        _stored(node, folder) if isinstance(node, dict) else node
    )
  except _UNREADABLE as error:
    raise UserError(
        f'{folder}: {name} cannot be read ({_said(error)}); {_MEND}'
    ) from error
  # bfloat16 is no float to NumPy.
  if array.dtype.kind != 'f' and array.dtype.name != 'bfloat16':
    raise UserError(f'{folder}: {name} is of type {array.dtype}; {_MEND}')
  return array.astype(np.float32)


def _stored(
    spec: dict[str, Any], folder: pathlib.Path
) -> Shaped[np.ndarray, '...']:
  """An array of zarr; of what the index says only its name is believed.

  Raises:
    ValueError: The name leads out of the checkpoint, or a piece is missing.
  """
  # Loading takes a moment that other checkpoints need not spend.
  import tensorstore

  # Older versions of TensorStore have the path outside of the kvstore.
  name = str(spec['kvstore'].get('path', spec.get('path'))).rstrip('/')
  if pathlib.PurePosixPath(name).name != name or name in ('', '.', '..'):
    raise ValueError(f'it lies in {name!r}, outside of the checkpoint')
  opened = tensorstore.open(
      {
          'driver': 'zarr',
          'kvstore': {'driver': 'file', 'path': f'{folder.resolve() / name}/'},
          # Zeros would stand where a file is missing.
          'fill_missing_data_reads': False,
      },
      open=True,
  )
  return opened.result().read().result()


def _said(error: Exception) -> str:
  return str(error).partition('\n')[0][:200]
