"""A batch of crops as the model hears them, and stretches of them."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from audiolm_jax.semantic_vq import speaking
from audiolm_jax.semantic_vq.model import SemanticVq
from audiolm_jax.training.state import Batch


class Heard(NamedTuple):
  """A batch as the model hears it.

  Attributes:
    target: Waveforms at one level, which shall come out again.
    spectra: Theirs.
    valid: Frames that are not padding.
    samples: Samples that are not.
  """

  target: Float[Array, 'B N']
  spectra: Float[Array, 'B T F']
  valid: Bool[Array, 'B T']
  samples: Bool[Array, 'B N']


def hear(model: SemanticVq, batch: Batch) -> Heard:
  """Cuts crops to whole frames of the decoder, and takes their spectra."""
  hop = speaking.STACK * model.hop_length
  num_samples = batch['waveform'].shape[1] // hop * hop
  length = jnp.minimum(batch['length'], num_samples)
  waveform = batch['waveform'][:, :num_samples]
  valid = model.valid(waveform, length)
  spectra, target = model.spectra(waveform, length)
  samples = jnp.arange(num_samples)[None] < length[:, None]
  return Heard(target, spectra, valid, samples)


def part_of(
    key: PRNGKeyArray, valid: Bool[Array, 'B T'], shortest_share: float
) -> Bool[Array, 'B T']:
  """A stretch of each row, as long as all of it or down to `shortest_share`."""
  length_key, start_key = jax.random.split(key)
  num_frames = valid.sum(axis=1)
  share = jax.random.uniform(
      length_key, num_frames.shape, minval=shortest_share
  )
  length = jnp.maximum(jnp.round(share * num_frames), 1)
  start = jax.random.uniform(start_key, length.shape) * (num_frames - length)
  places = jnp.arange(valid.shape[1])[None]
  after = places >= jnp.round(start)[:, None]
  return after & (places < jnp.round(start + length)[:, None]) & valid
