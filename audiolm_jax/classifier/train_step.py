"""A training step of the classifier, as the train loop wants it."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from audiolm_jax.classifier.model import Classifier
from audiolm_jax.training import descent
from audiolm_jax.training.state import (
    Batch,
    Metrics,
    TrainState,
    TrainStep,
    sizes,
)


@dataclasses.dataclass(frozen=True)
class ClassifierTrainStep(TrainStep):
  """Cross-entropy of seconds; batches have 'waveform' and 'label'.

  The statistics of the batch norms are mutables: the batch's own while it
  learns, their running mean afterwards.

  Attributes:
    model: Classifier that learns.
    tx: Optimizer; the paper names none.
    label_smoothing: Share of a target that is spread over all classes.
    num_microbatches: Pieces that a batch is computed in, one after the other;
      the statistics are then those of a piece.
  """

  model: Classifier
  tx: optax.GradientTransformation
  label_smoothing: float = 0.0
  num_microbatches: int = 1

  def variables(self, key: PRNGKeyArray, batch: Batch) -> dict[str, PyTree]:
    """Returns {'params', 'mutables'}, boxed with the names of their axes."""
    variables = dict(self.model.init(key, batch['waveform'][:1]))
    return {'params': variables.pop('params'), 'mutables': variables}

  def init(self, key: PRNGKeyArray, batch: Batch) -> TrainState:
    """Returns the state before the first step."""
    return descent.start(self.tx, self.variables(key, batch))

  def step(
      self, state: TrainState, batch: Batch, key: PRNGKeyArray
  ) -> tuple[TrainState, Metrics]:
    """One step of the optimizer; there is no noise but the data's."""
    return descent.step(
        self.tx, self._loss, state, batch, key, self.num_microbatches
    )

  def evaluate(self, state: TrainState, batch: Batch) -> Metrics:
    """Loss and accuracy with the running statistics."""
    variables = {'params': state.params, **state.mutables}
    logits = self.model.apply(variables, batch['waveform'])
    return self._metrics(logits, batch)

  def model_config(self) -> dict[str, Any]:
    """JSON that rebuilds the model, labels included."""
    return {'kind': 'classifier', **sizes(self.model)}

  def _loss(
      self, params: PyTree, mutables: PyTree, batch: Batch, key: PRNGKeyArray
  ) -> tuple[Float[Array, ''], tuple[Metrics, PyTree]]:
    del key  # All noise is in the data.
    logits, mutables = self.model.apply(
        {'params': params, **mutables},
        batch['waveform'],
        training=True,
        mutable=['batch_stats'],
    )
    metrics = self._metrics(logits, batch)
    return metrics['loss'], (metrics, mutables)

  def _metrics(self, logits: Float[Array, 'B V'], batch: Batch) -> Metrics:
    label = batch['label']
    target = optax.smooth_labels(
        jax.nn.one_hot(label, len(self.model.labels)), self.label_smoothing
    )
    right = logits.argmax(axis=-1) == label
    return {
        'loss': optax.softmax_cross_entropy(logits, target).mean(),
        'accuracy': right.mean(dtype=jnp.float32),
        'weight': jnp.float32(len(label)),
    }
