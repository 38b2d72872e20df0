"""DAC's convolutional networks, which pad with zeros on both sides.

In a batch, whatever lies past a row's end is made zero before it is heard: the
biases and the residual units would fill it otherwise.
"""

import jax.numpy as jnp
from flax import linen as nn
from jax import lax
from jaxtyping import Array, Float, Int

DILATIONS = (1, 3, 9)
_DIMENSIONS = ('NWC', 'WIO', 'NWC')


def zero_past(
    x: Float[Array, 'B N C'], lengths: Int[Array, ' B'] | None
) -> Float[Array, 'B N C']:
  """Zeros after each row's end; None if the rows are whole."""
  if lengths is None:
    return x
  inside = jnp.arange(x.shape[1])[None] < lengths[:, None]
  return jnp.where(inside[..., None], x, 0.0)


class Conv(nn.Module):
  """Convolution over samples of which there are `left` and `right` more."""

  features: int
  kernel_size: int
  left: int = 0
  right: int = 0
  stride: int = 1
  dilation: int = 1

  @nn.compact
  def __call__(self, x: Float[Array, 'B N C']) -> Float[Array, 'B _ D']:
    shape = (self.kernel_size, x.shape[-1], self.features)
    kernel = self.param('kernel', nn.initializers.lecun_normal(), shape)
    bias = self.param('bias', nn.initializers.zeros, (self.features,))
    y = lax.conv_general_dilated(
        x,
        kernel,
        window_strides=(self.stride,),
        padding=[(self.left, self.right)],
        rhs_dilation=(self.dilation,),
        dimension_numbers=_DIMENSIONS,
    )
    return y + bias[None, None]


class Upsample(nn.Module):
  """Transposed convolution of two strides' length, cropped on both sides.

  A crop of ceil(stride / 2) a side leaves a frame less one sample where the
  stride is odd: then the output is a sample short of `stride` a frame.
  """

  features: int
  stride: int

  @nn.compact
  def __call__(self, x: Float[Array, 'B T C']) -> Float[Array, 'B N D']:
    shape = (2, x.shape[-1], self.stride * self.features)
    kernel = self.param('kernel', nn.initializers.lecun_normal(), shape)
    bias = self.param('bias', nn.initializers.zeros, (self.features,))
    # With a frame of zeros on either side: what T frames say reaches over T + 1
    # strides.
    frames = lax.conv_general_dilated(
        x, kernel, (1,), [(1, 1)], dimension_numbers=_DIMENSIONS
    )
    samples = frames.reshape(x.shape[0], -1, self.features)
    crop = -(-self.stride // 2)
    return samples[:, crop : samples.shape[1] - crop] + bias[None, None]


class Snake(nn.Module):
  """x + sin(alpha x)^2 / alpha, an alpha a channel."""

  @nn.compact
  def __call__(self, x: Float[Array, 'B N C']) -> Float[Array, 'B N C']:
    alpha = self.param('alpha', nn.initializers.ones, (x.shape[-1],))
    waves = jnp.square(jnp.sin(alpha[None, None] * x))
    # The published epsilon; alpha itself has no bound.
    return x + waves / (alpha + 1e-9)[None, None]


class ResidualUnit(nn.Module):
  """Dilated convolution and a linear layer, with identity skip."""

  dilation: int

  @nn.compact
  def __call__(
      self, x: Float[Array, 'B N C'], lengths: Int[Array, ' B'] | None
  ) -> Float[Array, 'B N C']:
    width, reach = x.shape[-1], 3 * self.dilation
    y = zero_past(Snake(name='snake1')(x), lengths)
    y = Conv(width, 7, reach, reach, dilation=self.dilation, name='conv1')(y)
    # A kernel of one tap carries nothing over a row's end, so that this output
    # need not be made zero there.
    return x + Conv(width, 1, name='conv2')(Snake(name='snake2')(y))


class EncoderBlock(nn.Module):
  """Residual units, then fewer and wider frames."""

  stride: int

  @nn.compact
  def __call__(
      self, x: Float[Array, 'B N C'], lengths: Int[Array, ' B']
  ) -> Float[Array, 'B T D']:
    for i, dilation in enumerate(DILATIONS, start=1):
      x = ResidualUnit(dilation, name=f'res_unit{i}')(x, lengths)
    x = zero_past(Snake(name='snake1')(x), lengths)
    # The published code pads ceil(stride / 2) on both sides. Where the stride
    # is odd, no window of whole frames reaches the last of those zeros.
    left, right = -(-self.stride // 2), self.stride // 2
    size = 2 * self.stride
    conv = Conv(
        2 * x.shape[-1], size, left, right, stride=self.stride, name='conv1'
    )
    return conv(x)


class DecoderBlock(nn.Module):
  """More and narrower samples, then residual units."""

  stride: int

  @nn.compact
  def __call__(self, x: Float[Array, 'B T C']) -> Float[Array, 'B N D']:
    width = x.shape[-1] // 2
    x = Upsample(width, self.stride, name='conv_t1')(Snake(name='snake1')(x))
    for i, dilation in enumerate(DILATIONS, start=1):
      x = ResidualUnit(dilation, name=f'res_unit{i}')(x, None)
    return x


class Encoder(nn.Module):
  """Waveform to latents."""

  channels: int
  strides: tuple[int, ...]
  latent_dim: int

  @nn.compact
  def __call__(
      self, waveform: Float[Array, 'B N'], lengths: Int[Array, ' B']
  ) -> Float[Array, 'B T D']:
    x = zero_past(waveform[..., None], lengths)
    x = Conv(self.channels, 7, 3, 3, name='conv1')(x)
    for i, stride in enumerate(self.strides):
      x = EncoderBlock(stride, name=f'block_{i}')(x, lengths)
      lengths = lengths // stride
    x = zero_past(Snake(name='snake1')(x), lengths)
    return Conv(self.latent_dim, 3, 1, 1, name='conv2')(x)


class Decoder(nn.Module):
  """Latents to waveform, a few samples short where strides are odd."""

  channels: int
  strides: tuple[int, ...]

  @nn.compact
  def __call__(self, z: Float[Array, 'B T D']) -> Float[Array, 'B N']:
    x = Conv(self.channels, 7, 3, 3, name='conv1')(z)
    for i, stride in enumerate(self.strides):
      x = DecoderBlock(stride, name=f'block_{i}')(x)
    x = Conv(1, 7, 3, 3, name='conv2')(Snake(name='snake1')(x))
    return jnp.tanh(x)[..., 0]
