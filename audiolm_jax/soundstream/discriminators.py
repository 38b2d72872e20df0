"""Discriminators on waveforms and on spectra (SoundStream s. III-D)."""

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from audiolm_jax.errors import UserError
from audiolm_jax.nn import spectral
from audiolm_jax.soundstream.discriminator_layers import (
    AXES_2D,
    WeightNormConv,
    conv_2d,
    layer_norm,
    named,
)

SLOPE = 0.2  # Of the leaky ReLUs, as in MelGAN.
GROUP = 4  # Input channels of a group.

# Residual units: by how much the width grows, stride in time, in bins.
STFT_UNITS = ((2, 1, 2), (2, 2, 2), (1, 1, 2), (2, 2, 2), (1, 1, 2), (2, 2, 2))

Features = list[Float[Array, 'B ...']]


class WaveDiscriminator(nn.Module):
  """MelGAN's, at one scale.

  Attributes:
    channels: Channels of the first layer; times 4 at each of the four grouped
      layers.
    max_channels: Largest number of channels of a layer.
    dtype: Type of the computation.
  """

  channels: int = 16
  max_channels: int = 1024
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, waveform: Float[Array, 'B N']) -> Features:
    width = self.channels
    x = WeightNormConv(width, 15, dtype=self.dtype)(waveform[..., None])
    features = [x := nn.leaky_relu(x, SLOPE)]
    for _ in range(4):
      width = min(4 * width, self.max_channels)
      x = WeightNormConv(width, 41, 4, GROUP, self.dtype)(x)
      features.append(x := nn.leaky_relu(x, SLOPE))
    x = WeightNormConv(width, 5, dtype=self.dtype)(x)
    features.append(x := nn.leaky_relu(x, SLOPE))
    logits = WeightNormConv(1, 3, dtype=self.dtype)(x)
    return _float32([*features, logits])


class StftUnit(nn.Module):
  """Residual unit over time and bins; `strides` apart in each.

  LayerNorm because EnCodec's authors saw it diverge without (App. A.1).
  """

  features: int
  strides: tuple[int, int]
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: Float[Array, 'B T F C']) -> Float[Array, 'B t f D']:
    y = conv_2d(x.shape[-1], (3, 3), dtype=self.dtype)(x)
    y = nn.leaky_relu(layer_norm(self.dtype)(y), SLOPE)
    kernel = tuple(stride + 2 for stride in self.strides)
    y = conv_2d(self.features, kernel, self.strides, self.dtype)(y)
    skip = nn.Conv(
        self.features,
        (1, 1),
        self.strides,
        padding='VALID',
        use_bias=False,
        dtype=self.dtype,
        kernel_init=named(nn.initializers.lecun_normal(), AXES_2D),
    )(x[:, : y.shape[1] * self.strides[0], : y.shape[2] * self.strides[1]])
    return nn.leaky_relu(layer_norm(self.dtype)(y) + skip, SLOPE)


class StftDiscriminator(nn.Module):
  """Sees the complex spectrum as an image of two channels."""

  channels: int = 32
  window: int = 1024
  hop: int = 256
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, waveform: Float[Array, 'B N']) -> Features:
    self._check_length(waveform.shape[-1])
    half = self.window // 2
    waveform = jnp.pad(waveform, ((0, 0), (half, half)))
    spectra = spectral.stft(waveform, self.window, self.hop)[..., :half]
    x = jnp.stack([spectra.real, spectra.imag], axis=-1) / half**0.5
    x = conv_2d(self.channels, (7, 7), dtype=self.dtype)(x)
    features = [x := nn.leaky_relu(x, SLOPE)]
    for growth, *strides in STFT_UNITS:
      width = x.shape[-1] * growth
      features.append(x := StftUnit(width, tuple(strides), self.dtype)(x))
    # The last kernel covers all the bins there are.
    logits = nn.Conv(
        1,
        (1, x.shape[2]),
        padding='VALID',
        dtype=self.dtype,
        kernel_init=named(nn.initializers.lecun_normal(), AXES_2D),
        bias_init=named(nn.initializers.zeros),
    )(x)
    return _float32([*features, logits])

  def _check_length(self, num_samples: int):
    # Each unit halves, rounding down; the mean of no logits would be NaN.
    frames = math.prod(stride for _, stride, _ in STFT_UNITS)
    if num_samples < (frames - 1) * self.hop:
      raise UserError(
          f'Crops of {num_samples} samples are too short for the STFT'
          f' discriminator; it needs {(frames - 1) * self.hop}.'
      )


class Discriminators(nn.Module):
  """The STFT discriminator and three on the waveform at 1, 1/2 and 1/4 rate.

  Attributes:
    wave_channels: First width of each waveform discriminator.
    max_wave_channels: Last width.
    stft_channels: First width of the STFT discriminator.
    num_scales: Waveform discriminators.
    dtype: Type of the computation.
  """

  wave_channels: int = 16
  max_wave_channels: int = 1024
  stft_channels: int = 32
  num_scales: int = 3
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, waveform: Float[Array, 'B N']) -> Sequence[Features]:
    outputs = [
        StftDiscriminator(self.stft_channels, dtype=self.dtype)(waveform)
    ]
    for _ in range(self.num_scales):
      judge = WaveDiscriminator(
          self.wave_channels, self.max_wave_channels, self.dtype
      )
      outputs.append(judge(waveform))
      waveform = halve(waveform)
    return outputs


def halve(waveform: Float[Array, 'B N']) -> Float[Array, 'B n']:
  """Half the sample rate, by means over four samples, two apart."""
  padded = jnp.pad(waveform, ((0, 0), (1, 1 + waveform.shape[-1] % 2)))
  pairs = padded.reshape(len(waveform), -1, 2).sum(axis=-1)
  return (pairs[:, :-1] + pairs[:, 1:]) / 4


def _float32(features: Features) -> Features:
  return [feature.astype(jnp.float32) for feature in features]
