"""Layers of EnCodec's and Mimi's convolutional networks.

Rows of a batch end at their own lengths: each layer pads them there as if they
were alone.
"""

import jax.numpy as jnp
from flax import linen as nn
from jax import lax
from jaxtyping import Array, Float, Int

PAD_MODES = ('constant', 'reflect', 'replicate')
_DIMENSIONS = ('NWC', 'WIO', 'NWC')
_GROUP_NORM_EPSILON = 1e-5


def pad(
    x: Float[Array, 'B N C'],
    lengths: Int[Array, ' B'],
    left: int,
    right: int,
    mode: str,
) -> Float[Array, 'B _ C']:
  """Continues each row at its start and at its own end.

  Args:
    x: Rows; samples past a row's length are not looked at.
    lengths: Lengths of the rows.
    left: Samples to add at the start.
    right: Samples to add at the end, no more than `left`.
    mode: Zeros ('constant'), the border's sample ('replicate'), or a mirror
      ('reflect'), which shows zeros where a row is too short for it.

  Returns:
    Rows of left + N + right samples; what follows a row's own left + length +
    right of them means nothing.
  """
  size = x.shape[1] + right
  inside = jnp.arange(x.shape[1])[None] < lengths[:, None]
  x = jnp.where(inside[..., None], x, 0.0)
  # A mirror leaves out the border's sample, so `left` more are needed: the
  # published code, too, gives short rows zeros first.
  missing = max(size, left + 1) - x.shape[1]
  x = jnp.pad(x, [(0, 0), (0, missing), (0, 0)])
  if mode == 'constant':
    before = jnp.zeros_like(x[:, :left])
  elif mode == 'replicate':
    before = jnp.repeat(x[:, :1], left, axis=1)
  else:
    before = jnp.flip(x[:, 1 : left + 1], axis=1)
  x = x[:, :size]
  if right and mode != 'constant':
    index = _continuation(size, lengths, left, mode)
    x = jnp.take_along_axis(x, index[..., None], axis=1)
  return jnp.concatenate([before, x], axis=1)


def _continuation(
    size: int, lengths: Int[Array, ' B'], reach: int, mode: str
) -> Int[Array, 'B _']:
  """Returns which sample stands at each place of a row, past its end too."""
  places, last = jnp.arange(size)[None], lengths[:, None] - 1
  if mode == 'replicate':
    index = jnp.minimum(places, last)
  else:
    # A row that is too short is mirrored behind zeros.
    last = jnp.maximum(last, reach)
    index = last - jnp.abs(places - last)
  # Places far past the end and rows of no samples would have a negative index,
  # which wraps around.
  return jnp.maximum(index, 0)


class TimeGroupNorm(nn.Module):
  """Normalizes each row over time and channels alike."""

  @nn.compact
  def __call__(
      self, x: Float[Array, 'B N C'], lengths: Int[Array, ' B']
  ) -> Float[Array, 'B N C']:
    scale = self.param('scale', nn.initializers.ones, (x.shape[-1],))
    bias = self.param('bias', nn.initializers.zeros, (x.shape[-1],))
    inside = jnp.arange(x.shape[1])[None] < lengths[:, None]
    inside = inside[..., None]
    # The mean of an empty row would be 0 / 0.
    count = jnp.maximum(lengths, 1)[:, None, None] * x.shape[-1]
    total = jnp.where(inside, x, 0.0).sum(axis=(1, 2), keepdims=True)
    x = x - total / count
    squares = jnp.where(inside, jnp.square(x), 0.0)
    variance = squares.sum(axis=(1, 2), keepdims=True) / count
    x = x * lax.rsqrt(variance + _GROUP_NORM_EPSILON)
    return x * scale[None, None] + bias[None, None]


class Conv(nn.Module):
  """Convolution over rows that are padded where they end.

  Attributes:
    features: Output channels.
    kernel_size: Taps.
    stride: Input samples per output frame; divides N and the lengths.
    dilation: Distance between taps.
    causal: Whether all of the padding comes first.
    pad_mode: One of PAD_MODES.
    group_norm: Whether the output is normalized over time.
    use_bias: Whether there is one.
  """

  features: int
  kernel_size: int
  stride: int = 1
  dilation: int = 1
  causal: bool = True
  pad_mode: str = 'constant'
  group_norm: bool = False
  use_bias: bool = True

  @nn.compact
  def __call__(
      self, x: Float[Array, 'B N C'], lengths: Int[Array, ' B']
  ) -> Float[Array, 'B T D']:
    shape = (self.kernel_size, x.shape[-1], self.features)
    kernel = self.param('kernel', nn.initializers.lecun_normal(), shape)
    # The published code pads further, up to a last whole window; where the
    # stride divides the length, that is by nothing.
    total = (self.kernel_size - 1) * self.dilation + 1 - self.stride
    # Of an odd number the start gets one more, as published.
    right = 0 if self.causal else total // 2
    x = lax.conv_general_dilated(
        pad(x, lengths, total - right, right, self.pad_mode),
        kernel,
        window_strides=(self.stride,),
        padding='VALID',
        rhs_dilation=(self.dilation,),
        dimension_numbers=_DIMENSIONS,
    )
    x = _add_bias(self, x) if self.use_bias else x
    if self.group_norm:
      x = TimeGroupNorm(name='norm')(x, lengths // self.stride)
    return x


class ConvTranspose(nn.Module):
  """Transposed convolution, kernel twice the stride, cut to T * stride.

  The `stride` samples of frame t are a linear map of frames t - 1 and t: it is
  a convolution of two taps over frames.

  Attributes:
    features: Output channels.
    stride: Output samples per frame.
    trim_left: Number of the `stride` surplus samples cut from the start.
    groups: Number of groups of channels that do not mix.
    group_norm: Whether the output is normalized over time, before the cut.
    use_bias: Whether there is one.
  """

  features: int
  stride: int
  trim_left: int = 0
  groups: int = 1
  group_norm: bool = False
  use_bias: bool = True

  @nn.compact
  def __call__(self, x: Float[Array, 'B T C']) -> Float[Array, 'B N D']:
    num_rows, num_frames, width = x.shape
    shape = (2, width // self.groups, self.stride * self.features)
    kernel = self.param('kernel', nn.initializers.lecun_normal(), shape)
    x = lax.conv_general_dilated(
        x,
        kernel,
        window_strides=(1,),
        padding=[(1, 1)],
        dimension_numbers=_DIMENSIONS,
        feature_group_count=self.groups,
    )
    # Each group's samples lie together.
    x = x.reshape(num_rows, num_frames + 1, self.groups, self.stride, -1)
    x = x.swapaxes(2, 3).reshape(num_rows, -1, self.features)
    x = _add_bias(self, x) if self.use_bias else x
    if self.group_norm:
      x = TimeGroupNorm(name='norm')(x, jnp.full(num_rows, x.shape[1]))
    return x[:, self.trim_left : self.trim_left + num_frames * self.stride]


def _add_bias(
    module: nn.Module, x: Float[Array, 'B N C']
) -> Float[Array, 'B N C']:
  bias = module.param('bias', nn.initializers.zeros, (x.shape[-1],))
  return x + bias[None, None]
