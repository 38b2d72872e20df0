"""Weights that `transformers` saved, read without torch and without pickle."""

import json
import os
import pathlib
from typing import Any, NamedTuple

import numpy as np
import safetensors

from audiolm_jax.errors import UserError

# The length and the direction of a weight, in old files and in new ones.
_NORMS = (
    ('.weight_g', '.weight_v'),
    (
        '.parametrizations.weight.original0',
        '.parametrizations.weight.original1',
    ),
)
_INDEX = 'model.safetensors.index.json'
_PICKLES = ('*.bin', '*.pt', '*.pth', '*.ckpt')


class Checkpoint(NamedTuple):
  """The contents of a model's folder.

  Attributes:
    config: Content of config.json.
    tensors: By name; floats are float32, weight norms are folded into the
      weights.
  """

  config: dict[str, Any]
  tensors: dict[str, np.ndarray]


def read(path: str | os.PathLike) -> Checkpoint:
  """Reads config.json and the weights beside it.

  Args:
    path: A folder with model.safetensors, or with the index of its shards; or
      a .safetensors file.

  Raises:
    UserError: Something is missing, damaged or pickled.
  """
  path = pathlib.Path(path)
  if not path.exists():
    raise UserError(
        f'{path} does not exist; name the folder of a downloaded model, with'
        ' its config.json and model.safetensors.'
    )
  folder = path if path.is_dir() else path.parent
  files = _files(path)
  config = _read_json(folder / 'config.json')
  tensors = {}
  for file in files:
    tensors |= _read_tensors(file)
  return Checkpoint(config, _fold_weight_norms(tensors))


def _files(path: pathlib.Path) -> list[pathlib.Path]:
  """Returns where the weights lie."""
  if path.is_file():
    if path.suffix != '.safetensors':
      raise _not_safetensors(path)
    return [path]
  if (whole := path / 'model.safetensors').is_file():
    return [whole]
  if (index := path / _INDEX).is_file():
    return _shards(index)
  for pattern in _PICKLES:
    for pickled in sorted(path.glob(pattern)):
      raise _not_safetensors(pickled)
  raise UserError(
      f'{path} has no model.safetensors; download the model again, or save it'
      ' with save_pretrained of transformers.'
  )


def _not_safetensors(path: pathlib.Path) -> UserError:
  return UserError(
      f'{path} is no safetensors file, and pickles could run any code; with'
      ' transformers, AutoModel.from_pretrained(FOLDER).save_pretrained('
      'NEW_FOLDER) writes safetensors.'
  )


def _shards(index: pathlib.Path) -> list[pathlib.Path]:
  entries = _read_json(index).get('weight_map')
  names = set(entries.values()) if isinstance(entries, dict) else set()
  # Nothing but the model's own folder is read, whoever wrote the index.
  if not names or any(pathlib.Path(str(name)).name != name for name in names):
    raise UserError(
        f'{index} does not say which files hold the weights; download the model'
        ' again.'
    )
  return [index.parent / name for name in sorted(names)]


def _read_json(path: pathlib.Path) -> dict[str, Any]:
  try:
    contents = json.loads(path.read_text(encoding='utf-8'))
  except OSError as error:
    raise UserError(
        f'Cannot read {path} ({error.strerror}); download the model again, its'
        ' config.json included.'
    ) from error
  except (ValueError, RecursionError) as error:
    raise UserError(
        f'{path} is damaged: {error}; download it again.'
    ) from error
  if not isinstance(contents, dict):
    raise UserError(f'{path} holds no JSON object; download it again.')
  return contents


def _read_tensors(path: pathlib.Path) -> dict[str, np.ndarray]:
  try:
    with safetensors.safe_open(path, 'numpy') as file:
      return {name: _widen(file.get_tensor(name)) for name in file.keys()}
  # NumPy has no floats of 8 bits, and safetensors asks it for them.
  except (AttributeError, TypeError) as error:
    raise UserError(
        f'{path} holds numbers of a type that cannot be used ({error}); save'
        ' the model again in float32.'
    ) from error
  except OSError as error:
    raise UserError(
        f'Cannot read {path} ({error.strerror or "it is missing"}); download'
        ' the model again.'
    ) from error
  except safetensors.SafetensorError as error:
    raise UserError(
        f'{path} is damaged: {error}; download it again.'
    ) from error


def _widen(tensor: np.ndarray) -> np.ndarray:
  """Floats as float32; bfloat16 is no float to NumPy, but no integer either."""
  if tensor.dtype.kind == 'c':
    # A cast to floats would drop the imaginary part.
    raise TypeError(f'{tensor.dtype}')
  return tensor if tensor.dtype.kind in 'biu' else tensor.astype(np.float32)


def _fold_weight_norms(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
  folded = dict(tensors)
  for endings in _NORMS:
    stems = {
        name.removesuffix(ending)
        for name in tensors
        for ending in endings
        if name.endswith(ending)
    }
    for stem in stems:
      length, direction = (
          folded.pop(stem + ending, None) for ending in endings
      )
      folded[f'{stem}.weight'] = _normed(stem, length, direction)
  return folded


def _normed(
    stem: str, length: np.ndarray | None, direction: np.ndarray | None
) -> np.ndarray:
  """The weight whose norm over all axes that `length` lacks is `length`."""
  if (
      length is None
      or direction is None
      or length.ndim not in (0, direction.ndim)
  ):
    raise UserError(
        f'The weights have half of the weight norm of {stem}; download the'
        ' model again.'
    )
  # Torch does not store which axis keeps a length of its own: it is not the
  # same in all layers (wav2vec 2.0's positional convolution has one for each
  # tap), and only the shape of the lengths tells.
  axes = tuple(
      axis
      for axis in range(direction.ndim)
      if not length.ndim or length.shape[axis] == 1
  )
  norm = np.sqrt(np.square(direction).sum(axis=axes, keepdims=True))
  if length.ndim and length.shape != norm.shape:
    raise UserError(
        f'The weights have lengths {length.shape} in the weight norm of {stem},'
        f' where {norm.shape} belong; download the model again.'
    )
  return direction * (length / norm)
