"""Parameters of the speech models from the tensors of a checkpoint."""

import math
import re
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from flax import traverse_util
from jaxtyping import PyTree

from audiolm_jax.errors import UserError

# Flax's names for the array of a layer; a checkpoint calls each 'weight'.
_WEIGHTS = ('kernel', 'scale', 'embedding')
# Embeddings of masked frames in pre-training, and heads saved with a model
# whose names have no prefix.
HEADS = (
    'masked_spec_embed',
    'mask_time_emb_vector',  # Its name in checkpoints of 2021.
    'final_proj.',
    'lm_head.',
)


def params(
    model: nn.Module,
    tensors: Mapping[str, np.ndarray],
    prefix: str,
    unread: Sequence[str],
) -> PyTree:
  """The model's parameters, each from the tensor of the same name.

  Args:
    model: Its `features` is called to find out what it needs.
    tensors: Tensors of a checkpoint, by name.
    prefix: Before each name where a head was saved with the model; what lies
      outside of it is the head's, and ignored.
    unread: Starts of the names, then without the prefix, of what may be left.

  Returns:
    A nested dict of contiguous float32 arrays.

  Raises:
    UserError: A tensor is missing, has another shape, or would go unused.
  """
  if any(name.startswith(prefix) for name in tensors):
    tensors = {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
  found, used = {}, set()
  for path, leaf in traverse_util.flatten_dict(_abstract(model)).items():
    name = _tensor_name(path)
    if name not in tensors:
      raise UserError(
          f'The checkpoint has no tensor {name}, which its config.json asks'
          ' for; use the two files as they were published.'
      )
    found[path] = _laid_out(tensors[name], name, path[-1], leaf.shape)
    used.add(name)
  left = set(tensors) - used
  _check_used({name for name in left if not name.startswith(tuple(unread))})
  return traverse_util.unflatten_dict(found)


def _abstract(model: nn.Module) -> PyTree:
  """Shapes of the parameters."""
  waveform = jnp.zeros((1, model.hop_length))
  lengths = jnp.full(1, model.hop_length, jnp.int32)
  # The last layer's features need every block: Flax makes no parameters of what
  # is not called. Nothing is computed, however large the model is.
  return jax.eval_shape(
      lambda: model.init(
          jax.random.key(0),
          waveform,
          lengths,
          model.num_layers,
          method='features',
      )
  )['params']


def _tensor_name(path: Sequence[str]) -> str:
  """('layers_0', 'norm', 'scale') is layers.0.norm.weight."""
  *modules, leaf = (re.sub(r'_(\d+)$', r'.\1', part) for part in path)
  return '.'.join([*modules, 'weight' if leaf in _WEIGHTS else leaf])


def _laid_out(
    tensor: np.ndarray, name: str, leaf: str, shape: Sequence[int]
) -> np.ndarray:
  """Torch has outputs first and taps last; kernels here are the reverse."""
  array = tensor.T if leaf == 'kernel' else tensor
  # An axis of one tap, or of one channel a group, may be left out here.
  if [n for n in array.shape if n > 1] != [n for n in shape if n > 1]:
    raise UserError(
        f'The tensor {name} is of shape {tensor.shape}, its config.json asks'
        f' for {math.prod(shape)} numbers as {tuple(shape)}; use the two files'
        ' as they were published.'
    )
  return np.ascontiguousarray(array.reshape(shape), np.float32)


def _check_used(unused: set[str]) -> None:
  if unused:
    raise UserError(
        f'The checkpoint has {len(unused)} tensors that its config.json does'
        f' not ask for, {min(unused)} first; use the two files as they were'
        ' published.'
    )
