"""Layers of the discriminators: convolutions and their norms."""

from typing import Any

import jax.numpy as jnp
from flax import linen as nn
from jax import lax
from jaxtyping import Array, Float

from audiolm_jax.nn import cpu
from audiolm_jax.soundstream.layers import KERNEL_AXES

AXES_2D = (None, None, None, 'conv')


class WeightNormConv(nn.Module):
  """Centred convolution whose kernels have a learned length (weight norm)."""

  features: int
  kernel_size: int
  stride: int = 1
  group: int | None = None
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: Float[Array, 'B N C']) -> Float[Array, 'B T D']:
    shape = (self.kernel_size, self.group or x.shape[-1], self.features)
    kernel_init = nn.initializers.lecun_normal()
    kernel = self.param('kernel', named(kernel_init, KERNEL_AXES), shape)
    scale = self.param('scale', named(nn.initializers.ones), (self.features,))
    bias = self.param('bias', named(nn.initializers.zeros), (self.features,))
    norm = jnp.sqrt(jnp.square(kernel).sum(axis=(0, 1)) + 1e-12)
    kernel = kernel * (scale / norm)[None, None]
    x, kernel, bias = nn.dtypes.promote_dtype(x, kernel, bias, dtype=self.dtype)
    if self.group:
      y = cpu.grouped_conv(x, kernel, self.stride)
    else:
      y = lax.conv_general_dilated(
          x,
          kernel,
          window_strides=(self.stride,),
          padding='SAME',
          dimension_numbers=('NWC', 'WIO', 'NWC'),
      )
    return y + bias[None, None]


def named(init, axes=('conv',)):
  """An initializer that says which logical axes the array has."""
  return nn.with_logical_partitioning(init, axes)


def conv_2d(
    features: int,
    kernel_size: tuple[int, int],
    strides: tuple[int, int] = (1, 1),
    dtype: Any = jnp.float32,
) -> nn.Conv:
  """Over time and bins; `strides` divide what comes out."""
  # One zero on each side is 'SAME' for kernels of stride + 2.
  padding = [(size - 1) // 2 for size in kernel_size]
  return nn.Conv(
      features,
      kernel_size,
      strides,
      padding=padding,
      dtype=dtype,
      kernel_init=named(nn.initializers.lecun_normal(), AXES_2D),
      bias_init=named(nn.initializers.zeros),
  )


def layer_norm(dtype: Any) -> nn.LayerNorm:
  """Over the channels."""
  return nn.LayerNorm(
      dtype=dtype,
      scale_init=named(nn.initializers.ones),
      bias_init=named(nn.initializers.zeros),
  )
