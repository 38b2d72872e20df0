"""Frames and a voice to a waveform: what semantic tokens are judged by."""

from typing import Any

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float

from audiolm_jax.nn.conformer import Dense
from audiolm_jax.nn.convnext import ConvNext
from audiolm_jax.nn.overlap import OverlapAdd
from audiolm_jax.semantic_vq import hearing
from audiolm_jax.soundstream.spectral_layers import SpectralDecoder

# Frames that blocks see as one: two of 20 ms.
STACK = 2
_WINDOWS = 4  # Hops in a window of the inverse transform.


class Voice(nn.Module):
  """A network from the moments of a clip to its voice.

  Attributes:
    num_layers: ConvNeXt blocks.
    embed_dim: Their width, and that of a voice.
    dtype: Type of the computation; parameters are float32.
  """

  num_layers: int
  embed_dim: int
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(
      self, spectra: Float[Array, 'B T F'], valid: Bool[Array, 'B T']
  ) -> Float[Array, 'B T V']:
    # A clip's frames come first: a pair holds sound if its first frame does.
    x = ConvNext(
        self.num_layers,
        self.embed_dim,
        3 * self.embed_dim,
        causal=False,
        dtype=self.dtype,
    )(stacked(spectra), valid[:, ::STACK])
    return jnp.repeat(x.astype(jnp.float32), STACK, axis=1)


class Speaker(nn.Module):
  """ConvNeXt blocks at half the rate of the frames, and an inverse transform.

  Attributes:
    num_layers: Blocks.
    embed_dim: Their width.
    hop_length: Samples a frame.
    dtype: Type of the blocks' computation; parameters are float32.
  """

  num_layers: int
  embed_dim: int
  hop_length: int
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(
      self,
      frames: Float[Array, 'B T D'],
      voice: Float[Array, 'B T V'],
      valid: Bool[Array, 'B T'],
  ) -> Float[Array, 'B N']:
    voice = Dense(frames.shape[-1], ('embed', None), name='voice')(voice)
    window = _WINDOWS * self.hop_length
    spectra = SpectralDecoder(
        self.num_layers,
        self.embed_dim,
        STACK,
        window // 2 + 1,
        causal=False,
        dtype=self.dtype,
        name='decoder',
    )(stacked(frames + voice), valid[:, ::STACK])
    present = jnp.repeat(valid[:, ::STACK], STACK, axis=1)
    return OverlapAdd(window, self.hop_length, name='synthesis')(
        spectra, present
    )


def of_the_other_half(
    voice: Float[Array, 'B T V'], valid: Bool[Array, 'B T']
) -> Float[Array, 'B T V']:
  """To each half of a clip the mean voice of its other half.

  So a voice cannot tell what is being said.
  """
  num_frames = valid.sum(axis=1, keepdims=True)
  first = jnp.arange(valid.shape[1])[None] < num_frames // 2
  means = [hearing.mean(voice, valid & part) for part in (first, ~first)]
  return jnp.where(first[..., None], means[1][:, None], means[0][:, None])


def of_all(
    voice: Float[Array, 'B T V'], valid: Bool[Array, 'B T']
) -> Float[Array, 'B T V']:
  """The mean voice of a clip, for each of its frames."""
  average = hearing.mean(voice, valid)[:, None]
  return jnp.broadcast_to(average, voice.shape)


def stacked(x: Float[Array, 'B T D']) -> Float[Array, 'B T2 E']:
  """Neighbouring frames side by side; T is even."""
  return jnp.reshape(x, (len(x), -1, STACK * x.shape[-1]))
