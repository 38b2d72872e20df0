"""Configurations to settings, and tensors to params; every one is checked."""

import math
import re
from collections.abc import Collection, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from flax import traverse_util
from jaxtyping import Float

from audiolm_jax.errors import UserError
from audiolm_jax.pretrained.seanet_layers import PAD_MODES

Tensors = Mapping[str, np.ndarray]
Path = tuple[str, ...]

# Modules of torch that wrap the only thing they hold.
_WRAPPERS = ('conv', 'lstm')


def check_family(config: Mapping[str, Any], model_type: str) -> None:
  """Raises UserError if the configuration is of another family."""
  found = config.get('model_type')
  if found != model_type:
    raise UserError(
        f'config.json is of model_type {found!r}, not {model_type!r}; name the'
        f' folder of a model of type {model_type!r}.'
    )


def settings(
    config: Mapping[str, Any], defaults: Mapping[str, Any]
) -> dict[str, Any]:
  """A configuration's values of the names in `defaults`, or the defaults.

  Raises:
    UserError: A value is of another type than its default, or no size.
  """
  found = {}
  for name, default in defaults.items():
    value = config.get(name)
    found[name] = default if value is None else _like(name, value, default)
  return found


def _like(name: str, value: Any, default: Any) -> Any:
  if isinstance(default, tuple):
    fits = isinstance(value, (list, tuple)) and value
    fits = fits and all(_is_size(item, default[0]) for item in value)
    value = tuple(value) if fits else value
  elif isinstance(default, (bool, str)):
    fits = isinstance(value, type(default))
  else:
    fits = _is_size(value, default)
  if not fits:
    raise UserError(
        f'config.json has {name}: {value!r}, where something like {default!r}'
        ' belongs; download the model again.'
    )
  return value


def _is_size(value: Any, like: int | float) -> bool:
  if isinstance(like, int):
    # Not isinstance: to it true is an integer, and would be a size of 1.
    return type(value) is int and value > 0
  return type(value) in (int, float) and value >= 0


def refuse(
    config: Mapping[str, Any], name: str, supported: Collection[Any]
) -> None:
  """Raises UserError unless a setting, if there is one, is supported."""
  if config.get(name) is not None and config[name] not in supported:
    raise UserError(
        f'config.json has {name}: {config[name]!r}, and only'
        f' {" and ".join(map(repr, supported))} can be used; choose another'
        ' model.'
    )


def refuse_convolutions(config: Mapping[str, Any]) -> None:
  """Raises UserError if the two networks are none that `seanet` builds."""
  refuse(config, 'audio_channels', [1])
  refuse(config, 'pad_mode', PAD_MODES)
  # The published code raises here as well: the share is one of the surplus of
  # causal convolutions.
  if config.get('use_causal_conv') is False:
    refuse(config, 'trim_right_ratio', [1.0])


def network_tensors(
    tensors: Tensors, transposed: Mapping[str, int]
) -> dict[Path, np.ndarray]:
  """Params by path of tensors that need no more than another layout.

  Args:
    tensors: By name.
    transposed: Groups of channels by name of a transposed convolution's weight.

  Raises:
    UserError: Two tensors have one place.
  """
  params = {}
  for name, tensor in tensors.items():
    *modules, leaf = re.sub(r'\.(\d+)(?=\.)', r'_\1', name).split('.')
    modules = tuple(module for module in modules if module not in _WRAPPERS)
    if leaf == 'weight':
      # Only scales have a single axis: those of norms.
      leaf = 'scale' if tensor.ndim == 1 else 'kernel'
    if name in transposed and tensor.ndim == 3:
      tensor = transposed_kernel(tensor, transposed[name])
    else:
      # Torch has outputs, inputs, taps; kernels here are the reverse.
      tensor = tensor.transpose()
    # Without the wrappers two names may have become one.
    if (*modules, leaf) in params:
      raise UserError(
          f'The weights have {name} under a second name too; download the model'
          ' again.'
      )
    params[*modules, leaf] = tensor
  return params


def transposed_kernel(
    weight: Float[np.ndarray, 'C D k'], groups: int
) -> Float[np.ndarray, '2 _ _']:
  """Weight of a transposed convolution to the kernel of `ConvTranspose`.

  D counts the output channels of one group, and k is twice the stride.
  """
  width, features, taps = weight.shape
  if width % groups or taps % 2:
    raise UserError(
        f'The weights have a transposed convolution of shape {weight.shape} in'
        f' {groups} groups, which fits no stride; download the model again.'
    )
  split = weight.reshape(groups, width // groups, features, 2, taps // 2)
  # A frame's own samples come first, those it adds to the next frame second.
  kernel = split[..., ::-1, :].transpose(3, 1, 0, 4, 2)
  return kernel.reshape(2, width // groups, -1)


def fitted(
    model: nn.Module, params: Mapping[Path, np.ndarray]
) -> dict[str, Any]:
  """Params as a nested dict, once all are there and of the model's shapes.

  Raises:
    UserError: One is missing, unknown or of another shape.
  """
  # One frame is enough: no parameter depends on the length.
  waveform = jnp.zeros((1, model.hop_length))
  expected = jax.eval_shape(model.init, jax.random.key(0), waveform)['params']
  expected = traverse_util.flatten_dict(expected)
  for path in sorted(expected.keys() | params.keys()):
    found, wanted = (
        leaves[path].shape if path in leaves else None
        for leaves in (params, expected)
    )
    if found != wanted:
      raise _misfit('.'.join(path), found, wanted)
  return traverse_util.unflatten_dict(
      {path: np.ascontiguousarray(params[path]) for path in sorted(params)}
  )


def _misfit(
    name: str, found: tuple[int, ...] | None, wanted: tuple[int, ...] | None
) -> UserError:
  """Shapes are None of what is not there."""
  if found is None:
    problem = f'lack {name}, which config.json asks for'
  elif wanted is None:
    problem = f'have {name}, which config.json does not ask for'
  else:
    problem = f'have {name} of shape {found}, config.json asks for {wanted}'
  return UserError(
      f'The weights {problem}; download both again, from one model.'
  )


def stacked(
    tensors: dict[str, np.ndarray], names: list[str]
) -> Float[np.ndarray, '...']:
  """Takes tensors of one shape out of `tensors` and stacks them.

  Raises:
    UserError: One is missing, or of another shape.
  """
  for name in names:
    if name not in tensors or tensors[name].shape != tensors[names[0]].shape:
      raise UserError(
          f'The weights lack {name}, or its shape is not that of its'
          ' neighbours; download the model again.'
      )
  return np.stack([tensors.pop(name) for name in names])


def frames_per_second(sample_rate: int, ratios: tuple[int, ...]) -> int:
  """Latents a second, rounded up as configurations count them."""
  return math.ceil(sample_rate / math.prod(ratios))
