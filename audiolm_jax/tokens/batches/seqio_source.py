"""Recordings of a token store in an order of our own, as a seqio source."""

from collections.abc import Iterator

import numpy as np
import seqio
import tensorflow as tf

from audiolm_jax.errors import UserError
from audiolm_jax.tokens.batches.plan import Plan
from audiolm_jax.tokens.fields import ACOUSTIC, SEMANTIC

# TensorFlow only makes batches here; accelerators are JAX's.
tf.config.set_visible_devices([], 'GPU')

_INTEGERS = tf.io.FixedLenSequenceFeature([], tf.int64, allow_missing=True)
FEATURES = {
    'id': tf.io.FixedLenFeature([], tf.string),
    SEMANTIC: _INTEGERS,
    ACOUSTIC: _INTEGERS,
    'seconds': tf.io.FixedLenFeature([], tf.float32),
    'speaker': tf.io.FixedLenFeature([], tf.string, ''),
    'split': tf.io.FixedLenFeature([], tf.string),
}
# Of the features that the source adds: what is cut is drawn from it.
SEED = 'seed'
SPLIT = 'plan'


class Ordered:
  """The recordings that a plan visits; its one split is SPLIT."""

  def __init__(self, plan: Plan):
    self._plan = plan
    self._error: UserError | None = None
    self.source = seqio.FunctionDataSource(self._dataset, splits=(SPLIT,))

  def elements(self, dataset: tf.data.Dataset) -> Iterator:
    """Yields the elements of what was made of the source, as NumPy arrays.

    Raises:
      UserError: A file is damaged or gone.
    """
    iterator = dataset.prefetch(tf.data.AUTOTUNE).as_numpy_iterator()
    while True:
      try:
        element = next(iterator)
      except StopIteration:
        return
      except tf.errors.OpError as error:
        # TensorFlow knows of an error in Python no more than its text.
        raise self._error or error from error
      yield element

  def _dataset(
      self, split: str, shuffle_files: bool, seed: int | None = None
  ) -> tf.data.Dataset:
    del split, shuffle_files, seed  # The plan says all that.
    places = tf.data.Dataset.range(len(self._plan.visits))
    return places.map(self._visit, tf.data.AUTOTUNE)

  def _visit(self, place: tf.Tensor) -> dict[str, tf.Tensor]:
    serialized, seed = tf.numpy_function(
        self._read, [place], [tf.string, tf.int32]
    )
    features = tf.io.parse_single_example(
        tf.ensure_shape(serialized, []), FEATURES
    )
    return {**features, SEED: tf.ensure_shape(seed, [2])}

  def _read(self, place: np.int64) -> tuple[bytes, np.ndarray]:
    visit = self._plan.visits[int(place)]
    try:
      return self._plan.recordings.serialized(visit.recording), visit.seed
    except UserError as error:
      self._error = error
      raise
