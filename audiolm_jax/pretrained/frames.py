"""Frame counts of speech models, and masks that tell clips from padding."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Int

from audiolm_jax.errors import UserError


def num_frames(lengths: Int[Array, ' B'], hop: int) -> Int[Array, ' B']:
  """Frames that hold at least one sample; never less than one."""
  return jnp.maximum(-(-lengths // hop), 1)


def valid(counts: Int[Array, ' B'], size: int) -> Bool[Array, 'B T']:
  """True at the first `counts` of `size` places."""
  return jnp.arange(size)[None] < counts[:, None]


def check_call(model: nn.Module, num_samples: int, layer: int) -> None:
  """Refuses arguments of `features` that cannot be.

  Raises:
    UserError: There is no such layer.
    ValueError: The samples are not a multiple of the hop.
  """
  if not 0 <= layer <= model.num_layers:
    raise UserError(
        f'There is no layer {layer} in a model of {model.num_layers} blocks;'
        f' choose one from 0 to {model.num_layers}.'
    )
  if num_samples % model.hop_length:
    raise ValueError(
        f'{num_samples} samples are not a multiple of the hop length'
        f' {model.hop_length}; pad the waveform.'
    )
