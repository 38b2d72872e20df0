"""Batches of a stage's shapes where there are no tokens yet."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from audiolm_jax.errors import UserError
from audiolm_jax.tokens.fields import ACOUSTIC
from audiolm_jax.tokens.layout import Stage


class BlankBatches(Iterator):
  """For ever the same zeros, shaped like tasks.batches; no memory is touched.

  For plans and speeds, before a tokenizer is trained (gin/no_tokens.gin).
  """

  def __init__(
      self,
      stage: Stage,
      crop_seconds: float,
      batch_size: int,
      shard_index: int = 0,
      num_shards: int = 1,
  ):
    """Args: as of tasks.batches."""
    if batch_size % num_shards:
      raise UserError(
          f'A batch of {batch_size} rows cannot be shared by {num_shards}'
          ' hosts; make it a multiple of their number.'
      )
    del shard_index  # All are alike.
    self._batch = self._blank(stage, crop_seconds, batch_size // num_shards)

  def _blank(
      self, stage: Stage, crop_seconds: float, num_rows: int
  ) -> dict[str, np.ndarray]:
    frames = stage.frames(crop_seconds)
    shape = (num_rows, stage.length(frames))
    return {
        'inputs': np.zeros(shape, np.int32),
        'targets': np.zeros(shape, np.int32),
        'segment_ids': np.zeros(shape, np.int32),
        'loss_weights': np.zeros(shape, np.float32),
        'positions': stage.positions_for(frames),
    }

  def __next__(self) -> dict[str, np.ndarray]:
    return dict(self._batch)

  def get_state(self) -> dict[str, Any]:
    """There is no position."""
    return {}

  def set_state(self, state: dict[str, Any]) -> None:
    """All batches are the same."""
    del state


class BlankFrames(BlankBatches):
  """The same, shaped like tasks_frames.batches (gin/no_frames.gin)."""

  def _blank(
      self, stage: Stage, crop_seconds: float, num_rows: int
  ) -> dict[str, np.ndarray]:
    num_frames = stage.frames(crop_seconds)[ACOUSTIC]
    shape = (num_rows, num_frames)
    return {
        'semantic': np.zeros(shape, np.int32),
        'acoustic': np.zeros((*shape, stage.target.levels.stop), np.int32),
        'lengths': np.full(num_rows, num_frames, np.int32),
    }
