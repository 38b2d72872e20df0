"""A token store as batches of windows of frames."""

from collections.abc import Iterator

import numpy as np

from audiolm_jax.errors import UserError
from audiolm_jax.tokens.batches import plan, readers
from audiolm_jax.tokens.batches.cuts import Spans
from audiolm_jax.tokens.batches.iterator import Batches, in_order, rows_of_shard
from audiolm_jax.tokens.batches.rounds import rounds
from audiolm_jax.tokens.fields import ACOUSTIC
from audiolm_jax.tokens.layout import Stage
from audiolm_jax.tokens.store import store


def batches(
    token_dir: str,
    stage: Stage,
    split: str,
    crop_seconds: float,
    batch_size: int,
    seed: int,
    shortest_seconds: float | None = None,
    shard_index: int = 0,
    num_shards: int = 1,
    epochs: int | None = None,
    reader: plan.Reader | None = None,
) -> Batches:
  """Batches of random windows, for ever or for so many epochs.

  They are {'semantic': [B T], 'acoustic': [B T Q], 'lengths': [B]}, int32; what
  is shorter than the longest window is filled up with zeros.

  Args:
    token_dir: A finished token store.
    stage: Stage whose tokens are cut (soundstorm.stage).
    split: Split of the store.
    crop_seconds: Length of the longest windows.
    batch_size: Rows of a batch, those of all shards together.
    seed: Seed of the order and of the windows.
    shortest_seconds: Length of the shortest ones; None for all the same.
    shard_index: Index of this host, from 0.
    num_shards: Hosts that share each batch; no two see the same recording.
    epochs: Times that every recording is seen; None for no end.
    reader: Reads the batches of a round, the same ones whichever it is:
      seqio_reader.windows or grain_reader.windows; None for the former, where
      it is installed.

  Raises:
    UserError: These do not fit each other or the store.
  """
  rows = rows_of_shard(batch_size, num_shards)
  files = store.shard_paths(token_dir, split)
  metadata = store.read_metadata(token_dir)
  clips, seconds = (metadata.splits[split][x] for x in ('clips', 'seconds'))
  spans = _spans(stage, shortest_seconds or crop_seconds, crop_seconds)
  store.check_stage(token_dir, stage)
  reader = reader or readers.of_windows()
  read = plan.of_rounds(reader, token_dir, shard_index, num_shards, spans, rows)
  num_batches = max(seconds / crop_seconds, clips) / batch_size
  return Batches(
      read,
      rounds(files, num_batches, seed, epochs),
      {},
      metadata.fingerprints,
      f'Split {split!r} of {token_dir}',
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
  have no length.
  """
  files = store.shard_paths(token_dir, split)
  store.check_stage(token_dir, stage)
  spans = Spans(stage, None, _steps(stage, crop_seconds))
  reader = reader or readers.of_windows()
  found = reader(plan.of_everything(token_dir, files, spans, batch_size))
  yield from in_order(found, batch_size, shard_index, num_shards)


def _spans(stage: Stage, shortest: float, longest: float) -> Spans:
  """Windows between two lengths, in seconds."""
  if shortest > longest:
    raise UserError(
        f'shortest_seconds={shortest:g} is more than crop_seconds={longest:g}.'
    )
  return Spans(stage, _steps(stage, shortest), _steps(stage, longest))


def _steps(stage: Stage, seconds: float) -> int:
  num_frames = stage.frames(seconds)[ACOUSTIC]
  if not num_frames:
    raise UserError(
        f'A window of {seconds:g} s is shorter than a frame of the'
        f' {stage.name} stage; make it longer.'
    )
  return num_frames // stage.frames_per_unit[ACOUSTIC]
