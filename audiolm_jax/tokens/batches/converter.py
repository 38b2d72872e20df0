"""From a stage's sequences to what a model reads: padded, or packed."""

from collections.abc import Mapping

import seqio
import tensorflow as tf

from audiolm_jax.tokens.fields import PAD


class StageFeatureConverter(seqio.FeatureConverter):
  """Adds `inputs`, the targets moved one place to the right.

  If packed, `segment_ids` number the sequences of a row from 1.
  """

  TASK_FEATURES = {
      'targets': seqio.FeatureConverter.FeatureSpec(tf.int32),
      'loss_weights': seqio.FeatureConverter.FeatureSpec(tf.int32),
      'segment_ids': seqio.FeatureConverter.FeatureSpec(tf.int32),
  }
  MODEL_FEATURES = {
      'inputs': seqio.FeatureConverter.FeatureSpec(tf.int32),
      'targets': seqio.FeatureConverter.FeatureSpec(tf.int32),
      'loss_weights': seqio.FeatureConverter.FeatureSpec(tf.float32),
      'segment_ids': seqio.FeatureConverter.FeatureSpec(tf.int32),
  }
  PACKING_FEATURE_DTYPES = {}

  def get_model_feature_lengths(
      self, task_feature_lengths: Mapping[str, int]
  ) -> Mapping[str, int]:
    """All features have the length of the targets."""
    return dict.fromkeys(self.MODEL_FEATURES, task_feature_lengths['targets'])

  def _convert_features(
      self, ds: tf.data.Dataset, task_feature_lengths: Mapping[str, int]
  ) -> tf.data.Dataset:
    # seqio packs the entries that are not zero, feature by feature: a zero
    # inside of a sequence would move all that follows.
    ds = ds.map(lambda example: _add(example, 1), tf.data.AUTOTUNE)
    ds = self._pack_or_pad(ds, task_feature_lengths)
    return ds.map(self._to_model, tf.data.AUTOTUNE)

  def _to_model(self, packed):
    values = _add({name: packed[name] for name in self.TASK_FEATURES}, -1)
    segment_ids, sequences = values['segment_ids'], None
    if self.pack:
      segment_ids = sequences = packed['targets_segment_ids']
    inputs = seqio.utils.make_autoregressive_inputs(
        values['targets'], sequences, bos_id=PAD
    )
    return {
        'inputs': inputs,
        'targets': values['targets'],
        'loss_weights': tf.cast(values['loss_weights'], tf.float32),
        'segment_ids': segment_ids,
    }


def without_padding(
    example: Mapping[str, tf.Tensor],
) -> dict[str, tf.Tensor]:
  """Only what belongs to the sequence, so that others can follow it."""
  inside = example['segment_ids'] > 0
  return {
      name: tf.boolean_mask(values, inside) for name, values in example.items()
  }


def _add(example: Mapping[str, tf.Tensor], number: int) -> dict[str, tf.Tensor]:
  """Places that packing or padding left empty stay 0."""
  return {
      name: tf.maximum(values + number, 0) for name, values in example.items()
  }
