"""Sound with noise in it, for codecs that can leave it out (s. III-F)."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from jaxtyping import Float

from audiolm_jax.corpus import AudioBatches


class NoisyBatches(Iterator):
  """Batches of clean sound, some with noise, some to be rid of it.

  A row with noise has itself as its target, or, if its flag is set, the clean
  sound. A row without noise is its own target whatever its flag. Batch n
  depends on the seeds and on n only.
  """

  def __init__(
      self,
      clean: Callable[..., AudioBatches],
      noise: Callable[..., AudioBatches],
      seed: int,
      snr_db: tuple[float, float] = (0.0, 20.0),
      noisy_share: float = 0.75,
      denoise_share: float = 0.5,
      shard_index: int = 0,
      num_shards: int = 1,
  ):
    """Opens both corpora.

    Args:
      clean: Makes batches of the sound.
      noise: Makes batches of the noise, of the same shape.
      seed: Seed of which rows get what.
      snr_db: Least and greatest ratio of their energies in a row.
      noisy_share: Share of the rows.
      denoise_share: Share of the rows, noisy or not.
      shard_index: Number of this host, from 0.
      num_shards: Hosts that share every batch.
    """
    shard = {'shard_index': shard_index, 'num_shards': num_shards}
    self._clean, self._noise = clean(**shard), noise(**shard)
    self._seed, self._shard_index = seed, shard_index
    self._snr_db = snr_db
    self._shares = noisy_share, denoise_share

  def __next__(self) -> dict[str, np.ndarray]:
    step = self.get_state()['clean']['step']
    clean, noise = next(self._clean), next(self._noise)['waveform']
    rows = len(noise)
    # A last 0 would make it the stream that picks the clean crops.
    draws = np.random.default_rng((self._seed, step, 1 + self._shard_index))
    noisy, denoise = (draws.random(rows) < share for share in self._shares)
    snr_db = draws.uniform(*self._snr_db, rows)
    gain = _gain(clean['waveform'], noise, snr_db) * noisy
    mixed = clean['waveform'] + gain[:, None].astype(np.float32) * noise
    target = np.where(denoise[:, None], clean['waveform'], mixed)
    return clean | {'waveform': mixed, 'target': target, 'denoise': denoise}

  def get_state(self) -> dict[str, Any]:
    """The position of the next batch; JSON-able."""
    return {'clean': self._clean.get_state(), 'noise': self._noise.get_state()}

  def set_state(self, state: dict[str, Any]) -> None:
    """Continues where `state` was taken."""
    self._clean.set_state(state['clean'])
    self._noise.set_state(state['noise'])


def _gain(
    sound: Float[np.ndarray, 'B N'],
    noise: Float[np.ndarray, 'B N'],
    snr_db: Float[np.ndarray, ' B'],
) -> Float[np.ndarray, ' B']:
  """Gain of the noise; silence gets none."""
  ratio = np.square(sound).sum(1) / np.maximum(np.square(noise).sum(1), 1e-9)
  return np.sqrt(ratio) * 10 ** (-snr_db / 20)
