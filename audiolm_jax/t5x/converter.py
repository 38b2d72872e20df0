"""From a stage's sequences to what t5x's decoder-only model reads."""

from collections.abc import Mapping

import seqio
import tensorflow as tf

from audiolm_jax.tokens.batches.converter import StageFeatureConverter
from audiolm_jax.tokens.fields import EOS, PAD

_INTS = seqio.FeatureConverter.FeatureSpec(tf.int32)
_FLOATS = seqio.FeatureConverter.FeatureSpec(tf.float32)


class T5XFeatureConverter(StageFeatureConverter):
  """Inputs, targets and loss weights by t5x's names; segments if packed.

  t5x takes a target of 0 for padding, which nothing may look at. Here 0 also
  ends a prefix, and what stands there is the prefix's last id: t5x would hide
  it. So the targets say EOS where the prefix ends; no loss looks at them there,
  and the inputs stay as they are.
  """

  MODEL_FEATURES = {
      'decoder_input_tokens': _INTS,
      'decoder_target_tokens': _INTS,
      'decoder_loss_weights': _FLOATS,
  }
  PACKING_FEATURE_DTYPES = {
      'decoder_segment_ids': tf.int32,
      'decoder_positions': tf.int32,
  }

  def get_model_feature_lengths(
      self, task_feature_lengths: Mapping[str, int]
  ) -> Mapping[str, int]:
    """All features have the length of the targets."""
    packing = self.PACKING_FEATURE_DTYPES if self.pack else ()
    names = [*self.MODEL_FEATURES, *packing]
    return dict.fromkeys(names, task_feature_lengths['targets'])

  def _convert_features(
      self, ds: tf.data.Dataset, task_feature_lengths: Mapping[str, int]
  ) -> tf.data.Dataset:
    if self.pack:
      # Crops come padded to one length, which leaves no room for another.
      ds = ds.map(_without_padding, tf.data.AUTOTUNE)
    return super()._convert_features(ds, task_feature_lengths)

  def _to_model(self, packed):
    made = super()._to_model(packed)
    targets, segment_ids = made['targets'], made['segment_ids']
    ends_prefix = (segment_ids > 0) & (targets == PAD)
    features = {
        'decoder_input_tokens': made['inputs'],
        'decoder_target_tokens': tf.where(ends_prefix, EOS, targets),
        'decoder_loss_weights': made['loss_weights'],
    }
    if self.pack:
      features['decoder_segment_ids'] = segment_ids
      features['decoder_positions'] = packed['targets_positions']
    return features


def _without_padding(
    example: Mapping[str, tf.Tensor],
) -> dict[str, tf.Tensor]:
  inside = example['segment_ids'] > 0
  return {name: tf.boolean_mask(x, inside) for name, x in example.items()}
