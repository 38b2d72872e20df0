"""Conformer blocks (arXiv 2005.08100) whose frames do not see padding."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float

from audiolm_jax.nn import attention, cpu, rotary

# Scale of a branch's contribution, relative to the Conformer's.
INITIAL_SCALE = 0.1


class Dense(attention.Dense):
  """Linear map with a bias; an axis may go without a name."""

  axes: tuple[str | None, str | None]

  @nn.compact
  def __call__(self, x: Float[Array, '*B D']) -> Float[Array, '*B F']:
    bias = self.param(
        'bias',
        nn.with_logical_partitioning(nn.initializers.zeros, self.axes[1:]),
        (self.features,),
    )
    lead = (None,) * (x.ndim - 1)
    return super().__call__(x) + bias.astype(self.dtype)[lead]


class LayerNorm(nn.Module):
  """Normalizes each frame on its own, in float32."""

  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: Float[Array, '*B D']) -> Float[Array, '*B D']:
    axes, width = ('embed',), x.shape[-1:]
    ones, zeros = nn.initializers.ones, nn.initializers.zeros
    scale = self.param('scale', nn.with_logical_partitioning(ones, axes), width)
    bias = self.param('bias', nn.with_logical_partitioning(zeros, axes), width)
    # A mean of squares in bfloat16 would keep the largest only.
    x = x.astype(jnp.float32)
    x = x - x.mean(axis=-1, keepdims=True)
    x = x * jax.lax.rsqrt(jnp.square(x).mean(axis=-1, keepdims=True) + 1e-6)
    lead = (None,) * (x.ndim - 1)
    return (x * scale[lead] + bias[lead]).astype(self.dtype)


class Residual(nn.Module):
  """x plus a branch, which starts out faint.

  Adds a learnt scale per channel (arXiv 2103.17239) to the Conformer: frames
  pass the untrained stack nearly as they are, so the top learns from step one.
  """

  weight: float = 1.0

  @nn.compact
  def __call__(
      self, x: Float[Array, 'B T D'], branch: Float[Array, 'B T D']
  ) -> Float[Array, 'B T D']:
    scale = self.param(
        'scale',
        nn.with_logical_partitioning(
            nn.initializers.constant(INITIAL_SCALE), ('embed',)
        ),
        x.shape[-1:],
    )
    return x + branch * (self.weight * scale).astype(x.dtype)[None, None]


class FeedForward(nn.Module):
  """Norm, wide layer, Swish, narrow layer, dropout."""

  mlp_dim: int
  dropout_rate: float
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(
      self, x: Float[Array, 'B T D'], deterministic: bool
  ) -> Float[Array, 'B T D']:
    h = LayerNorm(self.dtype, name='norm')(x)
    h = Dense(self.mlp_dim, ('embed', 'mlp'), self.dtype, name='wi')(h)
    h = nn.Dropout(self.dropout_rate, deterministic=deterministic)(nn.silu(h))
    h = Dense(x.shape[-1], ('mlp', 'embed'), self.dtype, name='wo')(h)
    return nn.Dropout(self.dropout_rate, deterministic=deterministic)(h)


class DepthwiseConv(nn.Module):
  """Each channel with its own taps, centred; zeros beyond both ends."""

  kernel_size: int
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: Float[Array, 'B T D']) -> Float[Array, 'B T D']:
    init = nn.initializers.variance_scaling(
        1.0, 'fan_in', 'truncated_normal', in_axis=0, out_axis=(), batch_axis=1
    )
    kernel = self.param(
        'kernel',
        nn.with_logical_partitioning(init, ('conv', 'embed')),
        (self.kernel_size, x.shape[-1]),
    )
    x, kernel = nn.dtypes.promote_dtype(x, kernel, dtype=self.dtype)
    left = (self.kernel_size - 1) // 2
    padding = (left, self.kernel_size - 1 - left)
    padded = jnp.pad(x, ((0, 0), padding, (0, 0)))
    return cpu.depthwise_conv(padded, kernel)


class ConvModule(nn.Module):
  """Gated pointwise layer, depthwise convolution, pointwise layer.

  The Conformer has BatchNorm after the depthwise convolution. Its statistics
  would tie a clip's features to the rest of the batch and to padding; LayerNorm
  sees one frame only.
  """

  kernel_size: int
  dropout_rate: float
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(
      self,
      x: Float[Array, 'B T D'],
      valid: Bool[Array, 'B T'],
      deterministic: bool,
  ) -> Float[Array, 'B T D']:
    width = x.shape[-1]
    h = LayerNorm(self.dtype, name='norm')(x)
    h = Dense(2 * width, ('embed', 'mlp'), self.dtype, name='gated')(h)
    # To the taps padding is what lies beyond the ends: nothing.
    h = jnp.where(valid[..., None], nn.glu(h), 0)
    h = DepthwiseConv(self.kernel_size, self.dtype, name='depthwise')(h)
    h = nn.silu(LayerNorm(self.dtype, name='conv_norm')(h))
    h = Dense(width, ('mlp', 'embed'), self.dtype, name='pointwise')(h)
    return nn.Dropout(self.dropout_rate, deterministic=deterministic)(h)


class ConformerBlock(nn.Module):
  """Half a feed-forward, attention, convolution, half a feed-forward, norm.

  Attributes:
    num_heads: Attention heads; each is embed_dim / num_heads wide.
    mlp_dim: Hidden width of the feed-forwards.
    conv_kernel: Taps of the depthwise convolution.
    dropout_rate: In every branch.
    dtype: Type of the computation; parameters are float32.
  """

  num_heads: int
  mlp_dim: int
  conv_kernel: int
  dropout_rate: float = 0.1
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(
      self,
      x: Float[Array, 'B T D'],
      bias: Float[Array, 'G H T T'] | None,
      valid: Bool[Array, 'B T'],
      deterministic: bool,
  ) -> Float[Array, 'B T D']:
    """Frames of a row see each other, but for those that are not valid.

    The bias tells attention how far apart they are; where there is none, their
    positions are rotary.
    """
    rate, dtype = self.dropout_rate, self.dtype
    first = FeedForward(self.mlp_dim, rate, dtype, name='first_mlp')
    second = FeedForward(self.mlp_dim, rate, dtype, name='second_mlp')
    conv = ConvModule(self.conv_kernel, rate, dtype, name='conv')
    x = Residual(0.5, name='add_first_mlp')(x, first(x, deterministic))
    attended = self._attend(x, bias, valid, deterministic)
    x = Residual(name='add_attention')(x, attended)
    x = Residual(name='add_conv')(x, conv(x, valid, deterministic))
    x = Residual(0.5, name='add_second_mlp')(x, second(x, deterministic))
    return LayerNorm(dtype, name='norm')(x)

  def _attend(self, x, bias, valid, deterministic):
    """Attention over the frames that are not padding."""
    rate, dtype = self.dropout_rate, self.dtype
    head_dim = x.shape[-1] // self.num_heads
    mask = jnp.broadcast_to(valid[:, None], (*valid.shape, valid.shape[1]))
    h = LayerNorm(dtype, name='attention_norm')(x)
    if bias is None:
      h = rotary.RotaryAttention(
          self.num_heads, head_dim, rate, dtype, name='attention'
      )(h, mask, deterministic)
    else:
      h = attention.MultiHeadAttention(
          self.num_heads, head_dim, rate, dtype, name='attention'
      )(h, bias, mask, deterministic=deterministic)
    return nn.Dropout(rate, deterministic=deterministic)(h)
