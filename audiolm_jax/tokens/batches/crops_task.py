"""A seqio task: the crops of a token store's recordings, as sequences."""

import seqio
import tensorflow as tf

from audiolm_jax.tokens.batches.converter import StageFeatureConverter
from audiolm_jax.tokens.batches.cuts import Crops, codes_of
from audiolm_jax.tokens.batches.seqio_source import FEATURES, SEED
from audiolm_jax.tokens.fields import ACOUSTIC, SEMANTIC
from audiolm_jax.tokens.layout import Stage
from audiolm_jax.tokens.store import store


def task(
    token_dir: str,
    stage: Stage,
    crop_seconds: float,
    random: bool,
    source: seqio.DataSource | None = None,
) -> seqio.Task:
  """Crops of a store's recordings, `random` ones or all, as sequences.

  Features: targets, loss_weights and segment_ids, int32 of one length. The task
  is not in seqio's registry. It reads all splits in seqio's own order, with
  seqio's seeds; another `source` of recordings of the store may give each a
  feature `seed` instead.

  Raises:
    UserError: The store's tokens are not what the stage reads, or a crop does
      not hold a frame.
  """
  store.check_stage(token_dir, stage)
  crops = Crops(stage, crop_seconds, random)
  metadata = store.read_metadata(token_dir)
  if source is None:
    files = {s: store.shard_paths(token_dir, s) for s in metadata.splits}
    source = seqio.TFExampleDataSource(files, FEATURES)
  return seqio.Task(
      f'audiolm_{stage.name}',
      source,
      output_features={
          name: seqio.Feature(
              seqio.PassThroughVocabulary(stage.vocab_size), add_eos=False
          )
          for name in StageFeatureConverter.TASK_FEATURES
      },
      preprocessors=[
          _cut(crops, metadata.sizes.num_quantizers),
          tf.data.Dataset.unbatch,
      ],
  )


def _cut(crops: Crops, num_levels: int):
  """One recording's crops."""

  def sequences(semantic, acoustic, seed):
    return list(crops(codes_of(semantic, acoustic, num_levels), seed))

  @seqio.map_over_dataset(num_seeds=1)
  def cut(features, seed):
    seed = features.get(SEED, seed)
    found = tf.numpy_function(
        sequences,
        [features[SEMANTIC], features[ACOUSTIC], seed],
        [tf.int32] * 3,
    )
    shape = [None, crops.length]
    names = ('targets', 'loss_weights', 'segment_ids')
    return {
        name: tf.ensure_shape(values, shape)
        for name, values in zip(names, found, strict=True)
    }

  return cut
