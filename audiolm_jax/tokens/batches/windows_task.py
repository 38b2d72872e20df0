"""A seqio task: the windows of a token store's recordings."""

import seqio
import tensorflow as tf

from audiolm_jax.tokens.batches.cuts import Spans, codes_of
from audiolm_jax.tokens.batches.seqio_source import SEED
from audiolm_jax.tokens.fields import ACOUSTIC, SEMANTIC
from audiolm_jax.tokens.store import store


def task(token_dir: str, spans: Spans, source: seqio.DataSource) -> seqio.Task:
  """Windows of a store's recordings; not in seqio's registry.

  Args:
    token_dir: A finished token store.
    spans: Stage and lengths of the windows to cut.
    source: Recordings of that store, each with a seed.
  """
  stage = spans.stage
  ids = seqio.PassThroughVocabulary(stage.vocab_size)
  num_levels = store.read_metadata(token_dir).sizes.num_quantizers
  return seqio.Task(
      f'audiolm_{stage.name}',
      source,
      output_features={
          name: seqio.Feature(ids, add_eos=False, rank=rank)
          for name, rank in (('semantic', 1), ('acoustic', 2), ('lengths', 0))
      },
      preprocessors=[_windows(spans, num_levels), tf.data.Dataset.unbatch],
  )


def _windows(spans: Spans, num_levels: int):
  """One recording's windows, where `spans` says."""
  stage = spans.stage

  def windows(semantic, acoustic, seed):
    return list(spans(codes_of(semantic, acoustic, num_levels), seed))

  @seqio.map_over_dataset
  def cut(features):
    semantic, acoustic, lengths = tf.numpy_function(
        windows,
        [features[SEMANTIC], features[ACOUSTIC], features[SEED]],
        [tf.int32] * 3,
    )
    size = spans.longest * stage.frames_per_unit[ACOUSTIC]
    levels = stage.target.levels.stop
    return {
        'semantic': tf.ensure_shape(semantic, [None, size]),
        'acoustic': tf.ensure_shape(acoustic, [None, size, levels]),
        'lengths': tf.ensure_shape(lengths, [None]),
    }

  return cut
