"""A token store as batches of a stage's sequences, through seqio."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import seqio
import tensorflow as tf

from audiolm_jax.errors import UserError
from audiolm_jax.tokens import store
from audiolm_jax.tokens.stages import Stage
from audiolm_jax.tokens.tasks_converter import (
    StageFeatureConverter,
    without_padding,
)
from audiolm_jax.tokens.tasks_crops import task

# The data is read in rounds, each of at least so many batches: what does not
# fill a last batch is dropped, and to resume is to skip within one round.
_BATCHES_A_ROUND = 512


def batches(
    token_dir: str,
    stage: Stage,
    split: str,
    crop_seconds: float,
    batch_size: int,
    seed: int,
    shard_index: int = 0,
    num_shards: int = 1,
    pack: bool = False,
    epochs: int | None = None,
) -> 'Batches':
  """Batches of random crops, for ever or for so many epochs.

  Args:
    token_dir: A finished token store.
    stage: How sequences are laid out.
    split: Of the store.
    crop_seconds: Length of the crops.
    batch_size: Rows of a batch, those of all shards together.
    seed: Of the order and of the crops.
    shard_index: Which host this is.
    num_shards: Hosts that share each batch; no two see the same recording.
    pack: Puts several short sequences into a row, each a segment of its own;
      only with positions='index'.
    epochs: Times that every recording is seen; None for no end.

  Raises:
    UserError: These do not fit each other or the store.
  """
  if pack and stage.positions != 'index':
    raise UserError(
        f'The {stage.name} stage has positions={stage.positions!r}, the same'
        " for all rows; only 'index' can be packed."
    )
  return Batches(
      token_dir,
      stage,
      split,
      crop_seconds,
      batch_size,
      seed,
      seqio.ShardInfo(shard_index, num_shards),
      pack,
      epochs,
  )


class Batches(Iterator):
  """What `batches` makes; its position is exact and JSON-able.

  Batches are {'inputs', 'targets', 'segment_ids': int32 [B L], 'loss_weights':
  float32 [B L], 'positions': int32 [L], the same for all rows}.
  """

  def __init__(
      self,
      token_dir: str,
      stage: Stage,
      split: str,
      crop_seconds: float,
      batch_size: int,
      seed: int,
      shard: seqio.ShardInfo,
      pack: bool,
      epochs: int | None,
  ):
    """Args: see `batches`."""
    self._task = task(token_dir, stage, crop_seconds, random=True)
    self._metadata = store.read_metadata(token_dir)
    self._where = f'Split {split!r} of {token_dir}'
    store.shard_pattern(token_dir, split)  # Refuses a split that is not there.
    self._split, self._seed, self._shard = split, seed, shard
    self._rows = rows_of_shard(batch_size, shard.num_shards)
    self._converter = StageFeatureConverter(pack=pack)
    frames = stage.frames(crop_seconds)
    self._length = stage.length(frames)
    self._positions = stage.positions_for(frames)
    self._rounds = 1 if epochs else math.inf
    self._epochs = epochs or self._epochs_a_round(
        batch_size, crop_seconds if pack else 0.0
    )
    self._round = self._batch = 0
    self._iterator = None

  def __next__(self) -> dict[str, np.ndarray]:
    while self._round < self._rounds:
      if self._iterator is None:
        self._iterator = self._open()
      batch = next(self._iterator, None)
      if batch is not None:
        self._batch += 1
        return {**batch, 'positions': self._positions}
      if not self._batch:
        break
      self._round, self._batch, self._iterator = self._round + 1, 0, None
    if self._round or self._batch:
      raise StopIteration
    raise UserError(
        f'{self._where} does not fill a batch of {self._rows} rows'
        f' (shard {self._shard.index} of {self._shard.num_shards}); lower the'
        ' batch size or take more epochs.'
    )

  def get_state(self) -> dict[str, Any]:
    """Where the next batch is, and whose tokens these are."""
    return {
        'round': self._round,
        'batch': self._batch,
        'tokenizers': self._metadata.fingerprints,
    }

  def set_state(self, state: dict[str, Any]) -> None:
    """Goes on where `state` was taken.

    Raises:
      UserError: The store was written by other tokenizers since.
    """
    found = self._metadata.fingerprints
    if state['tokenizers'] != found:
      raise UserError(
          f'{self._where} holds tokens of {found}; training began with tokens'
          f' of {state["tokenizers"]}. Give it that store, or another'
          ' MODEL_DIR.'
      )
    self._round, self._batch = int(state['round']), int(state['batch'])
    self._iterator = None

  def _open(self) -> Iterator[dict[str, np.ndarray]]:
    """A fresh dataset: one that was iterated would shuffle anew."""
    lengths = dict.fromkeys(self._converter.TASK_FEATURES, self._length)
    dataset = self._task.get_dataset(
        lengths,
        self._split,
        seed=_mix(self._seed, self._round),
        shard_info=self._shard,
        num_epochs=self._epochs,
    )
    if self._converter.pack:
      dataset = dataset.map(without_padding)
    dataset = self._converter(dataset, lengths)
    dataset = dataset.batch(self._rows, drop_remainder=True)
    return (
        dataset.skip(self._batch).prefetch(tf.data.AUTOTUNE).as_numpy_iterator()
    )

  def _epochs_a_round(self, batch_size: int, packed_seconds: float) -> int:
    split = self._metadata.splits[self._split]
    num_rows = split['clips']
    if packed_seconds:
      num_rows = split['seconds'] / packed_seconds
    return max(math.ceil(_BATCHES_A_ROUND * batch_size / num_rows), 1)


def evaluation_batches(
    token_dir: str,
    stage: Stage,
    split: str,
    crop_seconds: float,
    batch_size: int,
    shard_index: int = 0,
    num_shards: int = 1,
) -> Iterator[dict[str, np.ndarray]]:
  """Every moment of every recording once, in the same order every time.

  Every shard gets the same number of batches; rows that fill the last one up
  have no weight.
  """
  source = task(token_dir, stage, crop_seconds, random=False)
  store.shard_pattern(token_dir, split)
  rows = rows_of_shard(batch_size, num_shards)
  frames = stage.frames(crop_seconds)
  converter = StageFeatureConverter(pack=False)
  lengths = dict.fromkeys(converter.TASK_FEATURES, stage.length(frames))
  dataset = source.get_dataset(lengths, split, shuffle=False)
  dataset = converter(dataset, lengths).batch(batch_size)
  positions = stage.positions_for(frames)
  for batch in dataset.as_numpy_iterator():
    padding = [(0, batch_size - len(batch['targets'])), (0, 0)]
    mine = slice(shard_index * rows, (shard_index + 1) * rows)
    yield {
        **{name: np.pad(rows, padding)[mine] for name, rows in batch.items()},
        'positions': positions,
    }


def rows_of_shard(batch_size: int, num_shards: int) -> int:
  """Rows of a batch that each shard makes."""
  if batch_size % num_shards:
    raise UserError(
        f'A batch of {batch_size} sequences cannot be shared by {num_shards}'
        ' hosts; make it a multiple of their number.'
    )
  return batch_size // num_shards


def _mix(seed: int, round_number: int) -> int:
  """A seed for each round that no other seed's rounds are likely to have."""
  mixed = np.random.SeedSequence((seed, round_number)).generate_state(1)
  return int(mixed[0] >> 1)
