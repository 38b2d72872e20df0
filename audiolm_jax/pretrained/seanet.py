"""SEANet, the convolutional encoder and decoder of EnCodec and Mimi.

Submodules are named after their places in the published checkpoints, where
activations count as layers.
"""

import dataclasses
import math

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Int

from audiolm_jax.nn.lstm import Lstm
from audiolm_jax.pretrained.seanet_layers import Conv, ConvTranspose


@dataclasses.dataclass(frozen=True)
class Shape:
  """Sizes of the two networks.

  Attributes:
    num_filters: Width at the sample rate; doubles with every ratio.
    hidden_size: Width of the latent.
    ratios: Frames to samples, in the decoder's order.
    num_residual_layers: Residual units between two ratios.
    kernel_size: Taps of the first layer.
    last_kernel_size: Taps of the last layer.
    residual_kernel_size: Taps of the residual units.
    dilation_growth_rate: Factor by which the dilation grows with each unit.
    compress: Factor by which a residual unit is narrower inside.
    conv_shortcut: Whether what goes around a residual unit is convolved.
    lstm_layers: Recurrent layers at the latent's rate.
    causal: Whether the convolutions see only the past.
    pad_mode: Continuation of rows at their ends, one of
      seanet_layers.PAD_MODES.
    trim_right_ratio: Fraction of the surplus samples of a causal transposed
      convolution that is cut from its end.
    group_norm: Whether each convolution's output is normalized over time.
  """

  num_filters: int
  hidden_size: int
  ratios: tuple[int, ...]
  num_residual_layers: int
  kernel_size: int
  last_kernel_size: int
  residual_kernel_size: int
  dilation_growth_rate: int
  compress: int
  conv_shortcut: bool
  lstm_layers: int
  causal: bool
  pad_mode: str
  trim_right_ratio: float
  group_norm: bool

  def conv(
      self,
      features: int,
      kernel_size: int,
      stride: int = 1,
      dilation: int = 1,
      name: str | None = None,
  ) -> Conv:
    """A convolution as all of them are."""
    return Conv(
        features,
        kernel_size,
        stride,
        dilation,
        self.causal,
        self.pad_mode,
        self.group_norm,
        name=name,
    )

  def trim_left(self, stride: int) -> int:
    """Returns how much a transposed convolution cuts from its start."""
    if self.causal:
      # The published code rounds up what is cut from the end.
      return stride - math.ceil(stride * self.trim_right_ratio)
    # And it cuts the greater half of an odd surplus from the start.
    return stride - stride // 2

  @property
  def transposed(self) -> tuple[int, ...]:
    """Places of the decoder's transposed convolutions."""
    # Before the first come a convolution, the recurrent layers if there are
    # any, and an activation; between two lie residual units and an activation.
    first = 2 + bool(self.lstm_layers)
    step = 2 + self.num_residual_layers
    return tuple(first + i * step for i in range(len(self.ratios)))

  @property
  def transposed_weights(self) -> dict[str, int]:
    """Groups of channels by name of a transposed convolution's weight."""
    return {f'decoder.layers.{at}.conv.weight': 1 for at in self.transposed}


def whole_frames(
    waveform: Float[Array, 'B N'], lengths: Int[Array, ' B'], hop_length: int
) -> tuple[Float[Array, 'B N'], Int[Array, ' B']]:
  """Rows with zeros past their ends, and the frames that each begins."""
  if waveform.shape[-1] % hop_length:
    raise ValueError(
        f'{waveform.shape[-1]} samples are not a multiple of the hop length'
        f' {hop_length}; pad the waveform.'
    )
  inside = jnp.arange(waveform.shape[-1])[None] < lengths[:, None]
  return jnp.where(inside, waveform, 0.0), -(-lengths // hop_length)


def zero_past(
    codes: Int[Array, 'B T Q'], num_frames: Int[Array, ' B']
) -> Int[Array, 'B T Q']:
  """Codes with zeros past the frames of each row."""
  inside = jnp.arange(codes.shape[1])[None] < num_frames[:, None]
  return jnp.where(inside[..., None], codes, 0)


class ResidualUnit(nn.Module):
  """Dilated convolution to a narrower inside and back, and a way around."""

  shape: Shape
  dilation: int

  @nn.compact
  def __call__(
      self, x: Float[Array, 'B N C'], lengths: Int[Array, ' B']
  ) -> Float[Array, 'B N C']:
    shape, width = self.shape, x.shape[-1]
    inside, taps = width // shape.compress, shape.residual_kernel_size
    # Places 0 and 2 of the block are activations.
    y = shape.conv(inside, taps, 1, self.dilation, name='block_1')(
        nn.elu(x), lengths
    )
    y = shape.conv(width, 1, name='block_3')(nn.elu(y), lengths)
    if shape.conv_shortcut:
      x = shape.conv(width, 1, name='shortcut')(x, lengths)
    return x + y


def _residual_units(
    shape: Shape, x: Float[Array, 'B N C'], lengths: Int[Array, ' B'], at: int
) -> Float[Array, 'B N C']:
  """Residual units from place `at` on, each seeing further."""
  for i in range(shape.num_residual_layers):
    dilation = shape.dilation_growth_rate**i
    x = ResidualUnit(shape, dilation, name=f'layers_{at + i}')(x, lengths)
  return x


class Encoder(nn.Module):
  """Waveform to latents."""

  shape: Shape

  @nn.compact
  def __call__(
      self, waveform: Float[Array, 'B N'], lengths: Int[Array, ' B']
  ) -> Float[Array, 'B T D']:
    """N and `lengths` are multiples of the product of the ratios."""
    shape, width, at = self.shape, self.shape.num_filters, 1
    x = shape.conv(width, shape.kernel_size, name='layers_0')(
        waveform[..., None], lengths
    )
    for ratio in reversed(shape.ratios):
      x = _residual_units(shape, x, lengths, at)
      # An activation and the convolution that lowers the rate: two places.
      at, width = at + shape.num_residual_layers + 2, 2 * width
      down = shape.conv(width, 2 * ratio, ratio, name=f'layers_{at - 1}')
      x, lengths = down(nn.elu(x), lengths), lengths // ratio
    if shape.lstm_layers:
      # It goes forward only: nothing past a row's end gets into the row.
      x = Lstm(shape.lstm_layers, name=f'layers_{at}')(x)
      at += 1
    return shape.conv(
        shape.hidden_size, shape.last_kernel_size, name=f'layers_{at + 1}'
    )(nn.elu(x), lengths)


class Decoder(nn.Module):
  """Latents to waveform, the product of the ratios samples a frame."""

  shape: Shape

  @nn.compact
  def __call__(self, z: Float[Array, 'B T D']) -> Float[Array, 'B N']:
    shape, lengths = self.shape, jnp.full(len(z), z.shape[1])
    width = shape.num_filters * 2 ** len(shape.ratios)
    x = shape.conv(width, shape.kernel_size, name='layers_0')(z, lengths)
    if shape.lstm_layers:
      x = Lstm(shape.lstm_layers, name='layers_1')(x)
    for ratio, at in zip(shape.ratios, shape.transposed, strict=True):
      width //= 2
      up = ConvTranspose(
          width,
          ratio,
          shape.trim_left(ratio),
          group_norm=shape.group_norm,
          name=f'layers_{at}',
      )
      x, lengths = up(nn.elu(x)), lengths * ratio
      x = _residual_units(shape, x, lengths, at + 1)
    at = shape.transposed[-1] + shape.num_residual_layers + 2
    last = shape.conv(1, shape.last_kernel_size, name=f'layers_{at}')
    return last(nn.elu(x), lengths)[..., 0]
