"""A token store as batches of a stage's sequences."""

from collections.abc import Iterator

import numpy as np

from audiolm_jax.errors import UserError
from audiolm_jax.tokens.batches import plan, readers
from audiolm_jax.tokens.batches.cuts import Crops
from audiolm_jax.tokens.batches.iterator import Batches, in_order, rows_of_shard
from audiolm_jax.tokens.batches.rounds import rounds
from audiolm_jax.tokens.layout import Stage
from audiolm_jax.tokens.store import store


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
    reader: plan.Reader | None = None,
) -> Batches:
  """Batches of random crops, for ever or for so many epochs.

  They are {'inputs', 'targets', 'segment_ids': int32 [B L], 'loss_weights':
  float32 [B L], 'positions': int32 [L], the same for all rows}.

  Args:
    token_dir: A finished token store.
    stage: Layout of the sequences.
    split: Split of the store.
    crop_seconds: Length of the crops.
    batch_size: Rows of a batch, those of all shards together.
    seed: Seed of the order and of the crops.
    shard_index: Index of this host, from 0.
    num_shards: Hosts that share each batch; no two see the same recording.
    pack: Puts several short sequences into a row, each a segment of its own;
      only with positions='index'.
    epochs: Times that every recording is seen; None for no end.
    reader: Reads the batches of a round, the same ones whichever it is:
      seqio_reader.sequences or grain_reader.sequences; None for the former,
      where it is installed.

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
  store.check_stage(token_dir, stage)
  crops = Crops(stage, crop_seconds, random=True)
  reader = reader or readers.of_sequences()
  read = plan.of_rounds(
      reader, token_dir, shard_index, num_shards, crops, rows, pack
  )
  return Batches(
      read,
      rounds(files, num_rows / batch_size, seed, epochs),
      {'positions': stage.positions_for(stage.frames(crop_seconds))},
      metadata.fingerprints,
      f'Split {split!r} of {token_dir}',
  )


def _check_packing(stage: Stage, pack: bool) -> None:
  if pack and stage.positions != 'index':
    raise UserError(
        f'The {stage.name} stage has positions={stage.positions!r}, the same'
        " for all rows; only 'index' can be packed."
    )


def evaluation_batches(
    token_dir: str,
    stage: Stage,
    split: str,
    crop_seconds: float,
    batch_size: int,
    shard_index: int = 0,
    num_shards: int = 1,
    reader: plan.Reader | None = None,
) -> Iterator[dict[str, np.ndarray]]:
  """Every moment of every recording once, in the same order every time.

  Every shard gets the same number of batches; rows that fill the last one up
  have no weight.
  """
  files = store.shard_paths(token_dir, split)
  store.check_stage(token_dir, stage)
  crops = Crops(stage, crop_seconds, random=False)
  reader = reader or readers.of_sequences()
  found = reader(plan.of_everything(token_dir, files, crops, batch_size))
  positions = stage.positions_for(stage.frames(crop_seconds))
  for batch in in_order(found, batch_size, shard_index, num_shards):
    yield {**batch, 'positions': positions}
