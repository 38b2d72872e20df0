"""A token store as batches of a stage's sequences, through seqio."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import seqio
import tensorflow as tf
from jaxtyping import Int

from audiolm_jax.errors import UserError
from audiolm_jax.tokens import store
from audiolm_jax.tokens.layout import Stage
from audiolm_jax.tokens.tasks_converter import (
    StageFeatureConverter,
    without_padding,
)
from audiolm_jax.tokens.tasks_crops import task
from audiolm_jax.tokens.tasks_rounds import Round, rounds

# Rounds are about so many batches long: to resume is to skip within one, and
# what does not fill a round's last batch is dropped.
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
  rows = rows_of_shard(batch_size, num_shards)
  files = store.shard_paths(token_dir, split)
  metadata = store.read_metadata(token_dir)
  # A long recording gives many crops.
  num_rows = metadata.splits[split]['seconds'] / crop_seconds
  if not pack:
    num_rows = max(num_rows, metadata.splits[split]['clips'])
  frames = stage.frames(crop_seconds)
  task(token_dir, stage, crop_seconds, random=True)  # Refuses what is wrong.

  def dataset(part: Round) -> tf.data.Dataset:
    source = task(token_dir, stage, crop_seconds, True, {split: part.files})
    lengths = dict.fromkeys(source.output_features, stage.length(frames))
    sequences = source.get_dataset(
        lengths,
        split,
        seed=part.seed,
        shard_info=seqio.ShardInfo(shard_index, num_shards),
        num_epochs=part.epochs,
    )
    if pack:
      sequences = sequences.map(without_padding)
    converted = StageFeatureConverter(pack=pack)(sequences, lengths)
    converted = converted.batch(rows, drop_remainder=True)
    return converted.take(part.num_batches or -1)

  return Batches(
      dataset,
      rounds(files, num_rows / batch_size, _BATCHES_A_ROUND, seed, epochs),
      stage.positions_for(frames),
      metadata.fingerprints,
      f'Split {split!r} of {token_dir}',
  )


class Batches(Iterator):
  """What `batches` makes; its position is exact and JSON-able.

  Batches are {'inputs', 'targets', 'segment_ids': int32 [B L], 'loss_weights':
  float32 [B L], 'positions': int32 [L], the same for all rows}.
  """

  def __init__(
      self,
      dataset: Callable[[Round], tf.data.Dataset],
      rounds: Callable[[int], Round | None],
      positions: Int[np.ndarray, ' L'],
      fingerprints: Mapping[str, str],
      where: str,
  ):
    """Args: `dataset` makes one afresh: it shuffles anew if iterated again."""
    self._dataset = dataset
    self._rounds = rounds
    self._positions = positions
    self._fingerprints = dict(fingerprints)
    self._where = where
    self._round = self._batch = 0
    self._iterator = None

  def __next__(self) -> dict[str, np.ndarray]:
    if self._iterator is None:
      self._open()
    batch = next(self._iterator, None)
    while batch is None:
      if not self._batch:
        raise UserError(
            f'{self._where} does not fill a batch; lower the batch size or take'
            ' more epochs.'
        )
      if self._rounds(self._round + 1) is None:
        raise StopIteration
      self._round, self._batch = self._round + 1, 0
      self._open()
      batch = next(self._iterator, None)
    self._batch += 1
    return {**batch, 'positions': self._positions}

  def get_state(self) -> dict[str, Any]:
    """Where the next batch is, and whose tokens these are."""
    return {
        'round': self._round,
        'batch': self._batch,
        'tokenizers': self._fingerprints,
    }

  def set_state(self, state: dict[str, Any]) -> None:
    """Goes on where `state` was taken.

    Raises:
      UserError: The store was written by other tokenizers since.
    """
    if state['tokenizers'] != self._fingerprints:
      raise UserError(
          f'{self._where} holds tokens of {self._fingerprints}; training began'
          f' with tokens of {state["tokenizers"]}. Give it that store, or'
          ' another MODEL_DIR.'
      )
    self._round, self._batch = int(state['round']), int(state['batch'])
    self._iterator = None

  def _open(self) -> None:
    dataset = self._dataset(self._rounds(self._round)).skip(self._batch)
    self._iterator = dataset.prefetch(tf.data.AUTOTUNE).as_numpy_iterator()


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
  rows = rows_of_shard(batch_size, num_shards)
  mine = slice(shard_index * rows, (shard_index + 1) * rows)
  files = {split: store.shard_paths(token_dir, split)}
  source = task(token_dir, stage, crop_seconds, random=False, files=files)
  frames = stage.frames(crop_seconds)
  lengths = dict.fromkeys(source.output_features, stage.length(frames))
  dataset = source.get_dataset(lengths, split, shuffle=False)
  dataset = StageFeatureConverter(pack=False)(dataset, lengths)
  positions = stage.positions_for(frames)
  for batch in dataset.batch(batch_size).as_numpy_iterator():
    padding = [(0, batch_size - len(batch['targets'])), (0, 0)]
    padded = {name: np.pad(rows, padding) for name, rows in batch.items()}
    yield {
        **{name: rows[mine] for name, rows in padded.items()},
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
