"""Batches of crops as other rooms, microphones and voices would have them.

What a corpus lacks in variety is made up while a model trains. Knows no model.
"""

import collections
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any

import numpy as np

from audiolm_jax.changes import Changes, change
from audiolm_jax.corpus import AudioBatches

_PREFETCH = 2  # Batches that are changed while one is in use.


class AugmentedBatches(Iterator):
  """Batches as of AudioBatches, changed row by row.

  Row r of batch n depends on the seeds, n and r only: side by side, the batches
  of all shards are the batch of one shard. Its state is that of the plain
  batches, so that a run may go on without the changes, or with others.
  """

  def __init__(
      self,
      plain: Callable[..., AudioBatches],
      sample_rate: int,
      crop_seconds: float,
      seed: int,
      changes: Changes | None = None,
      shard_index: int = 0,
      num_shards: int = 1,
  ):
    """Opens the corpus.

    Args:
      plain: Makes the batches, of as many seconds as it is told.
      sample_rate: Sample rate of the waveforms.
      crop_seconds: Seconds of the rows; more is read where voices get faster.
      seed: Seed of the changes.
      changes: Shares and sizes of the changes; those of `Changes()` if None.
      shard_index: Number of this host, from 0.
      num_shards: Hosts that share every batch.
    """
    changes = changes or Changes()
    faster = max(changes.pitch) if changes.pitch_share else 1.0
    self._plain = plain(
        crop_seconds=crop_seconds * max(faster, 1.0),
        shard_index=shard_index,
        num_shards=num_shards,
    )
    self._num_samples = round(crop_seconds * sample_rate)
    self._sample_rate, self._seed = sample_rate, seed
    self._changes, self._shard_index = changes, shard_index
    self._pool = futures.ThreadPoolExecutor(1)
    self._ahead = collections.deque()

  def __next__(self) -> dict[str, np.ndarray]:
    while len(self._ahead) <= _PREFETCH:
      state = self._plain.get_state()
      batch = next(self._plain)
      made = self._pool.submit(self._changed, batch, state['step'])
      self._ahead.append((state, made))
    return self._ahead.popleft()[1].result()

  def get_state(self) -> dict[str, Any]:
    """The position of the next batch; JSON-able."""
    return self._ahead[0][0] if self._ahead else self._plain.get_state()

  def set_state(self, state: dict[str, Any]) -> None:
    """Continues where `state` was taken."""
    self._ahead.clear()
    self._plain.set_state(state)

  def _changed(
      self, batch: dict[str, np.ndarray], step: int
  ) -> dict[str, np.ndarray]:
    rows = len(batch['waveform'])
    waveform = np.zeros((rows, self._num_samples), np.float32)
    length = np.zeros(rows, np.int32)
    first = 1 + self._shard_index * rows  # A last 0 would pick the crops.
    pairs = zip(batch['waveform'], batch['length'], strict=True)
    for row, (crop, known) in enumerate(pairs):
      draws = np.random.default_rng((self._seed, step, first + row))
      changed = change(crop[:known], self._sample_rate, self._changes, draws)
      length[row] = min(len(changed), self._num_samples)
      waveform[row, : length[row]] = changed[: length[row]]
    return batch | {'waveform': waveform, 'length': length}
