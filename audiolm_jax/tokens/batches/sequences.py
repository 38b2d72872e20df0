"""A token store as batches of a stage's sequences, through seqio."""

import functools
from collections.abc import Callable, Iterator

import numpy as np
import seqio
import tensorflow as tf

from audiolm_jax.errors import UserError
from audiolm_jax.tokens.batches.converter import (
    StageFeatureConverter,
    without_padding,
)
from audiolm_jax.tokens.batches.crops_task import task
from audiolm_jax.tokens.batches.iterator import Batches, in_order, rows_of_shard
from audiolm_jax.tokens.batches.rounds import Round, rounds
from audiolm_jax.tokens.layout import Stage
from audiolm_jax.tokens.store import store

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
) -> Batches:
  """Batches of random crops, for ever or for so many epochs.

  They are {'inputs', 'targets', 'segment_ids': int32 [B L], 'loss_weights':
  float32 [B L], 'positions': int32 [L], the same for all rows}.

  Args:
    token_dir: A finished token store.
    stage: How sequences are laid out.
    split: Split of the store.
    crop_seconds: Length of the crops.
    batch_size: Rows of a batch, those of all shards together.
    seed: Seed of the order and of the crops.
    shard_index: Which host this is.
    num_shards: Hosts that share each batch; no two see the same recording.
    pack: Puts several short sequences into a row, each a segment of its own;
      only with positions='index'.
    epochs: Times that every recording is seen; None for no end.

  Raises:
    UserError: These do not fit each other or the store.
  """
  _check_packing(stage, pack)
  rows = rows_of_shard(batch_size, num_shards)
  files = store.shard_paths(token_dir, split)
  metadata = store.read_metadata(token_dir)
  # A long recording gives many crops.
  num_rows = metadata.splits[split]['seconds'] / crop_seconds
  if not pack:
    num_rows = max(num_rows, metadata.splits[split]['clips'])
  source = functools.partial(task, token_dir, stage, crop_seconds, True)
  source()  # Refuses what is wrong.
  frames = stage.frames(crop_seconds)
  shard = seqio.ShardInfo(shard_index, num_shards)
  length = stage.length(frames)
  return Batches(
      functools.partial(_dataset, source, split, shard, rows, length, pack),
      rounds(files, num_rows / batch_size, _BATCHES_A_ROUND, seed, epochs),
      {'positions': stage.positions_for(frames)},
      metadata.fingerprints,
      f'Split {split!r} of {token_dir}',
      files,
  )


def _check_packing(stage: Stage, pack: bool) -> None:
  if pack and stage.positions != 'index':
    raise UserError(
        f'The {stage.name} stage has positions={stage.positions!r}, the same'
        " for all rows; only 'index' can be packed."
    )


def _dataset(
    source: Callable[..., seqio.Task],
    split: str,
    shard: seqio.ShardInfo,
    rows: int,
    length: int,
    pack: bool,
    part: Round,
) -> tf.data.Dataset:
  """The batches of a round; `source` makes the task of some files."""
  crops = source({split: part.files})
  lengths = dict.fromkeys(crops.output_features, length)
  sequences = crops.get_dataset(
      lengths,
      split,
      seed=part.seed,
      shard_info=shard,
      num_epochs=part.epochs,
  )
  if pack:
    sequences = sequences.map(without_padding)
  converted = StageFeatureConverter(pack=pack)(sequences, lengths)
  converted = converted.batch(rows, drop_remainder=True)
  return converted.take(part.num_batches or -1)


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
  files = {split: store.shard_paths(token_dir, split)}
  source = task(token_dir, stage, crop_seconds, random=False, files=files)
  frames = stage.frames(crop_seconds)
  lengths = dict.fromkeys(source.output_features, stage.length(frames))
  dataset = source.get_dataset(lengths, split, shuffle=False)
  dataset = StageFeatureConverter(pack=False)(dataset, lengths)
  positions = stage.positions_for(frames)
  for batch in in_order(
      dataset, files[split], batch_size, shard_index, num_shards
  ):
    yield {**batch, 'positions': positions}
