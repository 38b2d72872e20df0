"""SoundStream's encoder and decoder (SoundStream s. III-A, III-B)."""

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float

from audiolm_jax.soundstream import layers

# Sound has a root mean square of about 0.1. At about 1 it is no smaller than
# what biases learn in a few steps, and ELUs bend: training is far faster.
GAIN = 10.0


class Encoder(nn.Module):
  """Waveform to one latent vector a frame."""

  channels: int
  strides: Sequence[int]
  embedding_dim: int
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, waveform: Float[Array, 'B N']) -> Float[Array, 'B T D']:
    x = layers.CausalConv(self.channels, kernel_size=7, dtype=self.dtype)(
        waveform[..., None]
    )
    for i, stride in enumerate(self.strides):
      features = self.channels * 2 ** (i + 1)
      x = layers.EncoderBlock(features, stride, self.dtype)(x)
    return layers.CausalConv(
        self.embedding_dim, kernel_size=3, dtype=self.dtype
    )(nn.elu(x))


class Decoder(nn.Module):
  """One latent vector a frame to waveform."""

  channels: int
  strides: Sequence[int]
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, z: Float[Array, 'B T D']) -> Float[Array, 'B N']:
    depth = len(self.strides)
    x = layers.CausalConv(
        self.channels * 2**depth, kernel_size=7, dtype=self.dtype
    )(z)
    for i, stride in enumerate(reversed(self.strides)):
      features = self.channels * 2 ** (depth - 1 - i)
      x = layers.DecoderBlock(features, stride, self.dtype)(x)
    x = layers.CausalConv(1, kernel_size=7, dtype=self.dtype)(nn.elu(x))
    return x[..., 0].astype(jnp.float32)


class SoundStream(nn.Module):
  """The codec's networks; the codebooks between them are in `quantizer`.

  Attributes:
    encoder_channels: Width of the encoder's first layer; doubles every block.
    decoder_channels: Width of the decoder's last block.
    strides: Strides of the encoder's blocks; the decoder's are the same
      reversed.
    embedding_dim: Width of the latent and of the codebook vectors.
    num_quantizers: Levels of the residual quantizer.
    codebook_size: Vectors a level.
    sample_rate: In Hz.
    denoising: Whether a flag can ask for latents of the sound without its noise
      (s. III-F): FiLM at the end of the encoder.
    dtype: Type of the computation; parameters are float32.
  """

  encoder_channels: int = 32
  decoder_channels: int = 32
  strides: Sequence[int] = (2, 4, 5, 8)
  embedding_dim: int = 256
  num_quantizers: int = 12
  codebook_size: int = 1024
  sample_rate: int = 16000
  denoising: bool = False
  dtype: Any = jnp.float32

  @property
  def hop_length(self) -> int:
    return math.prod(self.strides)

  @property
  def frame_rate(self) -> float:
    return self.sample_rate / self.hop_length

  @property
  def receptive_field(self) -> int:
    """Samples that a latent hears, up to the last one of its frame."""
    heard, spacing = 7, 1  # In samples; the first layer has 7 taps.
    for stride in self.strides:
      units = sum(6 * dilation for dilation in layers.DILATIONS)
      heard += spacing * (units + 2 * stride - 1)
      spacing *= stride
    return heard + 2 * spacing

  @property
  def num_past_frames(self) -> int:
    """Frames before a frame that its waveform may depend on.

    A decoder hears up to twice as far as the encoder that it mirrors: its
    widest layers come first, at the lowest rate.
    """
    return 2 * round(self.receptive_field / self.hop_length)

  @property
  def delay(self) -> int:
    """Samples behind a frame's end that its waveform depends on."""
    return 0

  def setup(self):
    self.encoder = Encoder(
        self.encoder_channels, self.strides, self.embedding_dim, self.dtype
    )
    self.decoder = Decoder(self.decoder_channels, self.strides, self.dtype)
    if self.denoising:
      self.film = layers.Film()

  def encode(
      self,
      waveform: Float[Array, 'B N'],
      denoise: Bool[Array, 'B _'] | None = None,
  ) -> Float[Array, 'B T D']:
    """Waveform to latents; N is a multiple of `hop_length`.

    `denoise` asks for latents without the noise, frame by frame or all alike;
    None never does, and is all that a model without `denoising` can do.
    """
    layers.check_length(waveform, self.hop_length)
    z = self.encoder(GAIN * waveform).astype(jnp.float32)
    return layers.denoised(self.film, z, denoise) if self.denoising else z

  def decode(
      self,
      z: Float[Array, 'B T D'],
      present: Bool[Array, 'B T'] | None = None,
  ) -> Float[Array, 'B N']:
    """Latents to waveform, `hop_length` samples a frame.

    Frames that are not `present` come last: they change nothing before them.
    """
    del present
    return self.decoder(z) / GAIN

  def __call__(self, waveform: Float[Array, 'B N']) -> Float[Array, 'B N']:
    """Encodes and decodes without quantizing; `init` traces this."""
    return self.decode(self.encode(waveform))
