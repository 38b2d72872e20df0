"""ConvNeXt blocks over frames (arXiv 2201.03545, as Vocos has them, 2306.00814).

Nearly all of their arithmetic is in two wide matrix products a frame, which is
what processors of every kind do fastest.
"""

from typing import Any

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from audiolm_jax.conformer import Dense, LayerNorm
from audiolm_jax.nn import past

KERNEL_SIZE = 7


class CausalDepthwiseConv(nn.Module):
  """Each channel with its own taps, over this frame and those before it.

  It is a sum of shifted copies, since XLA:CPU is many times slower on grouped
  convolutions.
  """

  kernel_size: int = KERNEL_SIZE
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: Float[Array, 'B T D']) -> Float[Array, 'B T D']:
    init = nn.initializers.normal(0.15)
    kernel = self.param(
        'kernel',
        nn.with_logical_partitioning(init, ('conv', 'embed')),
        (self.kernel_size, x.shape[-1]),
    )
    x, kernel = nn.dtypes.promote_dtype(x, kernel, dtype=self.dtype)
    num_frames = x.shape[1]
    behind = past.behind_past(self, x, self.kernel_size - 1)
    return sum(
        behind[:, tap : tap + num_frames] * kernel[tap][None, None]
        for tap in range(self.kernel_size)
    )


class ConvNextBlock(nn.Module):
  """Depthwise convolution, norm, wide layer, GELU, narrow layer, skip.

  Attributes:
    mlp_dim: Hidden width.
    initial_scale: Of the branch beside the skip, before anything is learnt.
    dtype: Of the computation; parameters are float32.
  """

  mlp_dim: int
  initial_scale: float = 0.1
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: Float[Array, 'B T D']) -> Float[Array, 'B T D']:
    width = x.shape[-1]
    h = CausalDepthwiseConv(dtype=self.dtype, name='depthwise')(x)
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
    dtype: Of the computation; parameters are float32.
  """

  num_layers: int
  embed_dim: int
  mlp_dim: int
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: Float[Array, 'B T C']) -> Float[Array, 'B T D']:
    x = Dense(self.embed_dim, (None, 'embed'), self.dtype, name='input')(x)
    x = LayerNorm(self.dtype, name='input_norm')(x)
    for layer in range(self.num_layers):
      x = ConvNextBlock(
          self.mlp_dim, 1 / self.num_layers, self.dtype, name=f'block_{layer}'
      )(x)
    return LayerNorm(self.dtype, name='output_norm')(x)


def num_past_frames(num_layers: int) -> int:
  """How many frames before a frame its output depends on."""
  return num_layers * (KERNEL_SIZE - 1)
