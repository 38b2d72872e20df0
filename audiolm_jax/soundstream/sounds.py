"""A batch of waveforms as the codec sees it: whole frames, and what counts."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from audiolm_jax.training.state import Batch


class Sound(NamedTuple):
  """A batch, cut to whole frames.

  Attributes:
    waveform: Samples that the codec hears; zero in the padding.
    target: Samples that it shall return: the same, or the same without noise.
    denoise: Whether a row asks for the target without noise.
    samples: True where there is sound.
    frames: True where a frame has any sound.
    num_valid: Number of true samples.
  """

  waveform: Float[Array, 'B N']
  target: Float[Array, 'B N']
  denoise: Bool[Array, 'B 1']
  samples: Bool[Array, 'B N']
  frames: Bool[Array, 'B T']
  num_valid: Float[Array, '']


def from_batch(batch: Batch, hop_length: int) -> Sound:
  """Cuts a batch to whole frames of `hop_length` samples.

  Args:
    batch: {'waveform' 'B N', 'length' 'B'}; where noise was mixed in also
      {'target' 'B N', 'denoise' 'B'}.
    hop_length: Samples a frame.
  """
  num_frames = batch['waveform'].shape[-1] // hop_length
  num_samples = num_frames * hop_length
  length = jnp.minimum(batch['length'], num_samples)[:, None]
  samples = jnp.arange(num_samples)[None] < length
  frames = jnp.arange(num_frames)[None] * hop_length < length
  waveform, target = (
      jnp.where(samples, x[:, :num_samples], 0.0)
      for x in (batch['waveform'], batch.get('target', batch['waveform']))
  )
  denoise = batch.get('denoise', jnp.zeros(len(waveform), bool))[:, None]
  num_valid = jnp.maximum(samples.sum(), 1).astype(jnp.float32)
  return Sound(waveform, target, denoise, samples, frames, num_valid)
