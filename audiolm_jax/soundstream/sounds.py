"""A batch of waveforms as the codec sees it: whole frames, and what counts."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from audiolm_jax.training.state import Batch


class Sound(NamedTuple):
  """A batch, cut to whole frames.

  Attributes:
    waveform: Zero in the padding.
    samples: True where there is sound.
    frames: True where a frame has any sound.
    num_valid: Number of true samples.
  """

  waveform: Float[Array, 'B N']
  samples: Bool[Array, 'B N']
  frames: Bool[Array, 'B T']
  num_valid: Float[Array, '']


def from_batch(batch: Batch, hop_length: int) -> Sound:
  """Cuts {'waveform', 'length'} to whole frames of `hop_length` samples."""
  num_frames = batch['waveform'].shape[-1] // hop_length
  num_samples = num_frames * hop_length
  length = jnp.minimum(batch['length'], num_samples)[:, None]
  samples = jnp.arange(num_samples)[None] < length
  frames = jnp.arange(num_frames)[None] * hop_length < length
  waveform = jnp.where(samples, batch['waveform'][:, :num_samples], 0.0)
  num_valid = jnp.maximum(samples.sum(), 1).astype(jnp.float32)
  return Sound(waveform, samples, frames, num_valid)
