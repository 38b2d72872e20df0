"""A token store as batches of windows of frames, through seqio."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import seqio
import tensorflow as tf

from audiolm_jax.errors import UserError
from audiolm_jax.tokens import crops, frames
from audiolm_jax.tokens.batches.iterator import Batches, in_order, rows_of_shard
from audiolm_jax.tokens.batches.rounds import Round, rounds
from audiolm_jax.tokens.fields import ACOUSTIC, SEMANTIC
from audiolm_jax.tokens.layout import Stage
from audiolm_jax.tokens.store import store
from audiolm_jax.tokens.store.records import FEATURES

_BATCHES_A_ROUND = 512  # As in tasks.

# From a recording's units to where its windows start, and how long they are.
Spans = Callable[..., list[tuple[int, int]]]


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
) -> Batches:
  """Batches of random windows, for ever or for so many epochs.

  They are {'semantic': [B T], 'acoustic': [B T Q], 'lengths': [B]}, int32; what
  is shorter than the longest window is filled up with zeros.

  Args:
    token_dir: A finished token store.
    stage: Which tokens they are (soundstorm.stage).
    split: Split of the store.
    crop_seconds: Length of the longest windows.
    batch_size: Rows of a batch, those of all shards together.
    seed: Seed of the order and of the windows.
    shortest_seconds: Length of the shortest ones; None for all the same.
    shard_index: Which host this is.
    num_shards: Hosts that share each batch; no two see the same recording.
    epochs: Times that every recording is seen; None for no end.

  Raises:
    UserError: These do not fit each other or the store.
  """
  rows = rows_of_shard(batch_size, num_shards)
  files = store.shard_paths(token_dir, split)
  metadata = store.read_metadata(token_dir)
  clips, seconds = (metadata.splits[split][x] for x in ('clips', 'seconds'))
  longest = _units(stage, crop_seconds)
  shortest = _units(stage, shortest_seconds or crop_seconds)
  if shortest > longest:
    raise UserError(
        f'shortest_seconds={shortest_seconds:g} is more than crop_seconds='
        f'{crop_seconds:g}.'
    )
  spans = functools.partial(_random_spans, shortest, longest)
  source = functools.partial(_task, token_dir, stage, longest, spans)
  source()  # Refuses what is wrong.
  shard = seqio.ShardInfo(shard_index, num_shards)
  num_batches = max(seconds / crop_seconds, clips) / batch_size
  return Batches(
      functools.partial(_dataset, source, split, shard, rows),
      rounds(files, num_batches, _BATCHES_A_ROUND, seed, epochs),
      {},
      metadata.fingerprints,
      f'Split {split!r} of {token_dir}',
      files,
  )


def _dataset(
    source: Callable[..., seqio.Task],
    split: str,
    shard: seqio.ShardInfo,
    rows: int,
    part: Round,
) -> tf.data.Dataset:
  """The batches of a round; `source` makes the task of some files."""
  windows = source({split: part.files}).get_dataset(
      None,
      split,
      seed=part.seed,
      shard_info=shard,
      num_epochs=part.epochs,
  )
  batched = windows.batch(rows, drop_remainder=True)
  return batched.take(part.num_batches or -1)


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
  have no length.
  """
  files = {split: store.shard_paths(token_dir, split)}
  longest = _units(stage, crop_seconds)
  spans = functools.partial(_all_spans, longest)
  source = _task(token_dir, stage, longest, spans, files)
  dataset = source.get_dataset(None, split, shuffle=False)
  yield from in_order(
      dataset, files[split], batch_size, shard_index, num_shards
  )


def _units(stage: Stage, seconds: float) -> int:
  num_frames = stage.frames(seconds)[ACOUSTIC]
  if not num_frames:
    raise UserError(
        f'A window of {seconds:g} s is shorter than a frame of the'
        f' {stage.name} stage; make it longer.'
    )
  return num_frames // stage.frames_per_unit[ACOUSTIC]


def _task(
    token_dir: str,
    stage: Stage,
    width: int,
    spans: Spans,
    files: Mapping[str, Sequence[str]] | None = None,
) -> seqio.Task:
  """Windows of a store's recordings; not in seqio's registry."""
  store.check_stage(token_dir, stage)
  metadata = store.read_metadata(token_dir)
  if files is None:
    files = {s: store.shard_paths(token_dir, s) for s in metadata.splits}
  ids = seqio.PassThroughVocabulary(stage.vocab_size)
  num_levels = metadata.sizes.num_quantizers
  return seqio.Task(
      f'audiolm_{stage.name}',
      seqio.TFExampleDataSource(files, FEATURES),
      output_features={
          name: seqio.Feature(ids, add_eos=False, rank=rank)
          for name, rank in (('semantic', 1), ('acoustic', 2), ('lengths', 0))
      },
      preprocessors=[
          _windows(stage, width, num_levels, spans),
          tf.data.Dataset.unbatch,
      ],
  )


def _windows(stage: Stage, width: int, num_levels: int, spans: Spans):
  """One recording's windows, where `spans` says."""

  def windows(semantic, acoustic, seed):
    codes = {
        SEMANTIC: semantic[:, None],
        ACOUSTIC: acoustic.reshape(-1, num_levels),
    }
    found = [
        frames.cut(stage, codes, start, length, width)
        for start, length in spans(crops.num_units(stage, codes), seed)
    ]
    columns = zip(*found, strict=True)
    return [np.stack(column).astype(np.int32) for column in columns]

  @seqio.map_over_dataset(num_seeds=1)
  def cut(features, seed):
    semantic, acoustic, lengths = tf.numpy_function(
        windows,
        [features[SEMANTIC], features[ACOUSTIC], seed],
        [tf.int32] * 3,
    )
    size = width * stage.frames_per_unit[ACOUSTIC]
    levels = stage.target.levels.stop
    return {
        'semantic': tf.ensure_shape(semantic, [None, size]),
        'acoustic': tf.ensure_shape(acoustic, [None, size, levels]),
        'lengths': tf.ensure_shape(lengths, [None]),
    }

  return cut


def _random_spans(shortest, longest, num_units, seed):
  random = np.random.default_rng(seed.view(np.uint32))
  return frames.random_spans(num_units, shortest, longest, random)


def _all_spans(longest, num_units, seed):
  del seed  # There is nothing to draw.
  return frames.all_spans(num_units, longest)
