"""A second pair of networks for SoundStream, which work on spectra.

Short-time spectra go in, ConvNeXt blocks run at the rate of the frames, and
magnitudes and phases of an inverse transform come out, as in Vocos (arXiv
2306.00814) and the codecs in the frequency domain (FreqCodec 2309.07405, ESC
2404.19441, SpectroStream 2508.05207). SEANet, SoundStream's own pair, spends
its arithmetic on narrow layers at the rate of the samples; this one spends all
of it on wide ones at the rate of the frames, and the transform gives harmonics
from the first step. On two CPU cores that is the difference between words and
noise (docs/training_log.md).
"""

from typing import Any, Literal

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float

from audiolm_jax.nn import convnext
from audiolm_jax.nn.overlap import Analysis, OverlapAdd
from audiolm_jax.soundstream import layers
from audiolm_jax.soundstream.spectral_layers import (
    SpectralDecoder,
    SpectralEncoder,
)


class SpectralSoundStream(nn.Module):
  """The codec's networks, of the same contract as `model.SoundStream`.

  Encoding hears only the past. Decoding looks `delay` samples ahead of a
  frame's end, 30 ms, and streams come out as much later.

  Attributes:
    encoder_layers: ConvNeXt blocks of the encoder.
    encoder_dim: Their width.
    decoder_layers: ConvNeXt blocks of the decoder.
    decoder_dim: Their width.
    frame_length: Samples from one spectrum to the next, 20 ms.
    stack: Spectra that become one latent vector. Two of 20 ms keep more words
      than one of 40 ms.
    analysis_window: Samples that a spectrum is made of.
    synthesis_window: Samples that a spectrum becomes; a multiple of
      `frame_length`.
    embedding_dim: Width of the latent and of the codebook vectors.
    num_quantizers: Levels of the residual quantizer.
    codebook_size: Vectors a level.
    sample_rate: In Hz.
    phase: Form of a phase in the decoder: its 'angle', as in Vocos, or a
      'vector' that points there, as in APNet (arXiv 2305.07952). An angle jumps
      where it comes round; a vector does not, and learns faster.
    denoising: Whether a flag can ask for latents of the sound without its noise
      (SoundStream s. III-F).
    dtype: Type of the blocks' computation; transforms and parameters are
      float32.
  """

  encoder_layers: int = 6
  encoder_dim: int = 256
  decoder_layers: int = 8
  decoder_dim: int = 384
  frame_length: int = 320
  stack: int = 2
  analysis_window: int = 1024
  synthesis_window: int = 1280
  embedding_dim: int = 64
  num_quantizers: int = 12
  codebook_size: int = 1024
  sample_rate: int = 16000
  phase: Literal['angle', 'vector'] = 'angle'
  denoising: bool = False
  dtype: Any = jnp.float32

  @property
  def hop_length(self) -> int:
    return self.frame_length * self.stack

  @property
  def frame_rate(self) -> float:
    return self.sample_rate / self.hop_length

  @property
  def receptive_field(self) -> int:
    """Samples that a latent hears, up to the last one of its frame."""
    num_latents = convnext.num_past_frames(self.encoder_layers) + 1
    overlap = self.analysis_window - self.frame_length
    return num_latents * self.hop_length + overlap

  @property
  def num_past_frames(self) -> int:
    """Frames before a frame that its waveform depends on."""
    overlap = self.synthesis_window - self.frame_length
    num_latents = convnext.num_past_frames(self.decoder_layers)
    return num_latents + -(-overlap // self.hop_length)

  @property
  def delay(self) -> int:
    """Samples behind a frame's end that its waveform depends on."""
    return (self.synthesis_window - self.frame_length) // 2

  def setup(self):
    self.analysis = Analysis(self.analysis_window, self.frame_length)
    self.encoder = SpectralEncoder(
        self.encoder_layers,
        self.encoder_dim,
        self.stack,
        self.embedding_dim,
        self.dtype,
    )
    self.decoder = SpectralDecoder(
        self.decoder_layers,
        self.decoder_dim,
        self.stack,
        self.synthesis_window // 2 + 1,
        self.phase,
        dtype=self.dtype,
    )
    self.synthesis = OverlapAdd(self.synthesis_window, self.frame_length)
    if self.denoising:
      self.film = layers.Film()

  def encode(
      self,
      waveform: Float[Array, 'B N'],
      denoise: Bool[Array, 'B _'] | None = None,
  ) -> Float[Array, 'B T D']:
    """Waveform to latents; N is a multiple of `hop_length`.

    `denoise` asks for latents without the noise, as in SoundStream.encode.
    """
    layers.check_length(waveform, self.hop_length)
    z = self.encoder(self.analysis(waveform)).astype(jnp.float32)
    return layers.denoised(self.film, z, denoise) if self.denoising else z

  def decode(
      self,
      z: Float[Array, 'B T D'],
      present: Bool[Array, 'B T'] | None = None,
  ) -> Float[Array, 'B N']:
    """Latents to waveform, `hop_length` samples a frame.

    What is decoded is as if frames that are not `present` were not there.
    """
    if present is not None:
      present = jnp.repeat(present, self.stack, axis=1)
    return self.synthesis(self.decoder(z), present)

  def __call__(self, waveform: Float[Array, 'B N']) -> Float[Array, 'B N']:
    """Encodes and decodes without quantizing; `init` traces this."""
    return self.decode(self.encode(waveform))
