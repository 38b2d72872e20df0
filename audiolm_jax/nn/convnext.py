"""ConvNeXt blocks over frames, as Vocos has them (arXiv 2306.00814).

Nearly all of their arithmetic is in two wide matrix products a frame, which is
what processors of every kind do fastest.
"""

from typing import Any

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float

from audiolm_jax.nn import cpu, past
from audiolm_jax.nn.conformer import Dense, LayerNorm

KERNEL_SIZE = 7


class DepthwiseConv(nn.Module):
  """Each channel with its own taps.

  Attributes:
    causal: Hears this frame and those before it; else as many on either side.
    kernel_size: Taps; an odd number if it is not causal.
    dtype: Type of the computation; parameters are float32.
  """

  causal: bool = True
  kernel_size: int = KERNEL_SIZE
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(
      self, x: Float[Array, 'B T D'], valid: Bool[Array, 'B T'] | None = None
  ) -> Float[Array, 'B T D']:
    """Frames that are not `valid` are as nothing; None is all."""
    init = nn.initializers.normal(0.15)
    kernel = self.param(
        'kernel',
        nn.with_logical_partitioning(init, ('conv', 'embed')),
        (self.kernel_size, x.shape[-1]),
    )
    x, kernel = nn.dtypes.promote_dtype(x, kernel, dtype=self.dtype)
    if valid is not None:
      x = jnp.where(valid[..., None], x, 0)
    around = self.kernel_size - 1
    if self.causal:
      x = past.behind_past(self, x, around)
    else:
      x = jnp.pad(x, ((0, 0), (around // 2, around // 2), (0, 0)))
    return cpu.depthwise_conv(x, kernel)


class ConvNextBlock(nn.Module):
  """Depthwise convolution, norm, wide layer, GELU, narrow layer, skip.

  Attributes:
    mlp_dim: Hidden width.
    initial_scale: Scale of the branch beside the skip, before anything is
      learnt.
    causal: Hears no frames that follow.
    dtype: Type of the computation; parameters are float32.
  """

  mlp_dim: int
  initial_scale: float = 0.1
  causal: bool = True
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(
      self, x: Float[Array, 'B T D'], valid: Bool[Array, 'B T'] | None = None
  ) -> Float[Array, 'B T D']:
    width = x.shape[-1]
    h = DepthwiseConv(self.causal, dtype=self.dtype, name='depthwise')(x, valid)
    h = LayerNorm(self.dtype, name='norm')(h)
    h = Dense(self.mlp_dim, ('embed', 'mlp'), self.dtype, name='wi')(h)
    h = Dense(width, ('mlp', 'embed'), self.dtype, name='wo')(nn.gelu(h))
    init = nn.initializers.constant(self.initial_scale)
    scale = self.param(
        'scale', nn.with_logical_partitioning(init, ('embed',)), (width,)
    )
    return x + scale.astype(h.dtype)[None, None] * h


class ConvNext(nn.Module):
  """A linear map into the blocks' width, the blocks, and a norm behind them.

  Attributes:
    num_layers: Blocks.
    embed_dim: Width of the frames.
    mlp_dim: Hidden width of the blocks.
    causal: Hears no frames that follow.
    dtype: Type of the computation; parameters are float32.
  """

  num_layers: int
  embed_dim: int
  mlp_dim: int
  causal: bool = True
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(
      self, x: Float[Array, 'B T C'], valid: Bool[Array, 'B T'] | None = None
  ) -> Float[Array, 'B T D']:
    """Frames that are not `valid` change no others; None is all."""
    x = Dense(self.embed_dim, (None, 'embed'), self.dtype, name='input')(x)
    x = LayerNorm(self.dtype, name='input_norm')(x)
    for layer in range(self.num_layers):
      x = ConvNextBlock(
          self.mlp_dim,
          1 / self.num_layers,
          self.causal,
          self.dtype,
          name=f'block_{layer}',
      )(x, valid)
    return LayerNorm(self.dtype, name='output_norm')(x)


def num_past_frames(num_layers: int) -> int:
  """Returns how many frames before a frame its output depends on."""
  return num_layers * (KERNEL_SIZE - 1)
