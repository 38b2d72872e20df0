"""A seqio task: the crops of a token store's recordings, as sequences."""

from collections.abc import Mapping, Sequence

import numpy as np
import seqio
import tensorflow as tf

from audiolm_jax.errors import UserError
from audiolm_jax.tokens import crops
from audiolm_jax.tokens.batches.converter import StageFeatureConverter
from audiolm_jax.tokens.fields import ACOUSTIC, SEMANTIC
from audiolm_jax.tokens.layout import Stage
from audiolm_jax.tokens.store import store
from audiolm_jax.tokens.store.records import FEATURES


def task(
    token_dir: str,
    stage: Stage,
    crop_seconds: float,
    random: bool,
    files: Mapping[str, Sequence[str]] | None = None,
) -> seqio.Task:
  """Crops of a store's recordings, `random` ones or all, as sequences.

  Features: targets, loss_weights and segment_ids, int32 of one length. The task
  is not in seqio's registry. `files` by split are all that there are, or some.

  Raises:
    UserError: The store's tokens are not what the stage reads, or a crop does
      not hold a frame.
  """
  store.check_stage(token_dir, stage)
  metadata = store.read_metadata(token_dir)
  if not all(stage.frames(crop_seconds).values()):
    raise UserError(
        f'A crop of {crop_seconds:g} s is shorter than a frame of the'
        f' {stage.name} stage; set crop_seconds higher.'
    )
  if files is None:
    files = {s: store.shard_paths(token_dir, s) for s in metadata.splits}
  cropping = _random_crops if random else _all_crops
  return seqio.Task(
      f'audiolm_{stage.name}',
      seqio.TFExampleDataSource(files, FEATURES),
      output_features={
          name: seqio.Feature(
              seqio.PassThroughVocabulary(stage.vocab_size), add_eos=False
          )
          for name in StageFeatureConverter.TASK_FEATURES
      },
      preprocessors=[
          cropping(stage, crop_seconds, metadata.sizes.num_quantizers),
          tf.data.Dataset.unbatch,
      ],
  )


def _random_crops(stage: Stage, crop_seconds: float, num_levels: int):
  @seqio.map_over_dataset(num_seeds=1)
  def crop(features, seed):
    def starts(num_units, crop_units, seed):
      random = np.random.default_rng(seed.view(np.uint32))
      return crops.random_starts(num_units, crop_units, random)

    return _crop(stage, crop_seconds, num_levels, features, starts, seed)

  return crop


def _all_crops(stage: Stage, crop_seconds: float, num_levels: int):
  @seqio.map_over_dataset
  def crop(features):
    return _crop(stage, crop_seconds, num_levels, features, crops.all_starts)

  return crop


def _crop(stage, crop_seconds, num_levels, features, starts, *seed):
  """One recording's crops; `starts` says where they begin."""
  frames = stage.frames(crop_seconds)
  source, per_unit = next(iter(stage.frames_per_unit.items()))
  crop_units = frames[source] // per_unit

  def examples(semantic, acoustic, *seed):
    codes = {
        SEMANTIC: semantic[:, None],
        ACOUSTIC: acoustic.reshape(-1, num_levels),
    }
    first = starts(crops.num_units(stage, codes), crop_units, *seed)
    example = crops.examples(stage, codes, first, crop_units)
    return [values.astype(np.int32) for values in example]

  ids, loss_weights, segment_ids = tf.numpy_function(
      examples, [features[SEMANTIC], features[ACOUSTIC], *seed], [tf.int32] * 3
  )
  rows = {
      'targets': ids,
      'loss_weights': loss_weights,
      'segment_ids': segment_ids,
  }
  shape = [None, stage.length(frames)]
  return {name: tf.ensure_shape(value, shape) for name, value in rows.items()}
