"""Semantic codes at the bottleneck of an auto-encoder that is told the voice.

In the spirit of w2v-BERT (arXiv 2108.06209) the codes are learnt inside of the
model, in the middle of its blocks. The blocks below hear spectra whose mean
over the clip is taken away, and their output is normalized over the clip
(instance normalization, as in one-shot voice conversion, arXiv 1904.05742): so
voice and microphone say little about a code. The blocks above speak: a decoder
that is told the voice makes magnitudes and phases of an inverse transform. What
a code must carry is then what the voice does not tell, which is what is said.
Masked prediction alone, for as long as two CPU cores can pay, makes codes that
nothing can speak from (docs/training_log.md).
"""

from typing import Any

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int

from audiolm_jax.nn.conformer import Dense
from audiolm_jax.nn.convnext import ConvNext
from audiolm_jax.semantic_vq import hearing
from audiolm_jax.semantic_vq.speaking import Speaker, Voice
from audiolm_jax.soundstream import layers

# Parameters of what makes the codes.
BELOW_CODES = ('encoder', 'latent')


class SemanticVq(nn.Module):
  """Latents that are quantized outside of it, as those of SoundStream.

  Attributes:
    encoder_layers: ConvNeXt blocks below the codes.
    encoder_dim: Their width.
    code_dim: Width of the codes.
    codebook_size: Codes.
    decoder_layers: ConvNeXt blocks above the codes, at half their rate.
    decoder_dim: Their width.
    voice_layers: ConvNeXt blocks of what hears the voice.
    voice_dim: Their width.
    hop_length: Samples a code, 20 ms.
    window: Samples that a spectrum is made of.
    sample_rate: In Hz.
    dtype: Type of the blocks' computation; transforms and parameters are
      float32.
  """

  encoder_layers: int = 4
  encoder_dim: int = 192
  code_dim: int = 64
  codebook_size: int = 512
  decoder_layers: int = 6
  decoder_dim: int = 256
  voice_layers: int = 2
  voice_dim: int = 128
  hop_length: int = 320
  window: int = 1024
  sample_rate: int = 16000
  dtype: Any = jnp.float32

  @property
  def receptive_frames(self) -> int:
    """Frames on either side of a frame that its latent hears near by."""
    heard = -(-(self.window - self.hop_length) // (2 * self.hop_length))
    # Blocks of seven taps (convnext.KERNEL_SIZE) hear three on either side.
    return heard + 3 * self.encoder_layers

  def setup(self):
    self.encoder = ConvNext(
        self.encoder_layers,
        self.encoder_dim,
        3 * self.encoder_dim,
        causal=False,
        dtype=self.dtype,
    )
    self.latent = Dense(self.code_dim, ('embed', None), self.dtype)
    self.voice_of = Voice(self.voice_layers, self.voice_dim, self.dtype)
    self.speaker = Speaker(
        self.decoder_layers, self.decoder_dim, self.hop_length, self.dtype
    )

  def spectra(
      self, waveform: Float[Array, 'B N'], length: Int[Array, ' B']
  ) -> tuple[Float[Array, 'B T F'], Float[Array, 'B N']]:
    """Log spectra of clips at one level, and the clips at that level.

    N is a multiple of `hop_length`.
    """
    layers.check_length(waveform, self.hop_length)
    samples = jnp.arange(waveform.shape[1])[None] < length[:, None]
    waveform = hearing.at_level(waveform, samples)
    spectra = hearing.log_spectra(waveform, self.window, self.hop_length)
    return spectra, waveform

  def latents(
      self,
      spectra: Float[Array, 'B T F'],
      valid: Bool[Array, 'B T'],
      counted: Bool[Array, 'B T'],
  ) -> Float[Array, 'B T D']:
    """The latents that are quantized, of zero mean and unit deviation a clip.

    Args:
      spectra: Log spectra that `spectra` gave, or the same perturbed.
      valid: Frames that are not padding; others change nothing.
      counted: Frames that mean and deviation are those of.
    """
    x = hearing.centre(spectra, counted)
    # Codes are compared in float32 whatever the blocks compute in.
    z = self.latent(self.encoder(x, valid)).astype(jnp.float32)
    return hearing.standardize(z, counted)

  def encode(
      self, waveform: Float[Array, 'B N'], length: Int[Array, ' B']
  ) -> Float[Array, 'B T D']:
    """Latents of whole clips."""
    valid = self.valid(waveform, length)
    return self.latents(self.spectra(waveform, length)[0], valid, valid)

  def valid(
      self, waveform: Float[Array, 'B N'], length: Int[Array, ' B']
  ) -> Bool[Array, 'B T']:
    """Frames with any sound; there is always one."""
    starts = jnp.arange(waveform.shape[1] // self.hop_length) * self.hop_length
    return starts[None] < jnp.maximum(length, 1)[:, None]

  def voice(
      self, spectra: Float[Array, 'B T F'], valid: Bool[Array, 'B T']
  ) -> Float[Array, 'B T V']:
    """The part of each moment that tells the voice; take means over some."""
    return self.voice_of(spectra, valid)

  def decode(
      self,
      codes: Float[Array, 'B T D'],
      voice: Float[Array, 'B T V'],
      valid: Bool[Array, 'B T'],
  ) -> Float[Array, 'B N']:
    """Codes' vectors, spoken by the voice of each frame; T is even."""
    return self.speaker(codes, voice, valid)

  def __call__(
      self, waveform: Float[Array, 'B N'], length: Int[Array, ' B']
  ) -> Float[Array, 'B N']:
    """Encodes and decodes without quantizing; `init` traces this."""
    valid = self.valid(waveform, length)
    spectra, _ = self.spectra(waveform, length)
    z = self.latents(spectra, valid, valid)
    return self.decode(z, self.voice(spectra, valid), valid)
