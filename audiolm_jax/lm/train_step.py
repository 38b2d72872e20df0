"""Training of a language model on next-token prediction, for any stage."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from audiolm_jax.lm.transformer import Transformer
from audiolm_jax.training import descent
from audiolm_jax.training.state import (
    Batch,
    Hearing,
    Metrics,
    TrainState,
    TrainStep,
    Waveform,
    heard,
    sizes,
)


@dataclasses.dataclass(frozen=True, eq=False)
class LanguageModelTrainStep(TrainStep):
  """One class for all three stages.

  Batches are {'inputs', 'targets', 'segment_ids', 'loss_weights': B L,
  'positions': L}. Positions are the same for all rows, so they have no batch
  axis and are replicated (training.state.SHARED).

  Attributes:
    model: The Transformer.
    tx: Its optimizer, with its own clipping.
    stage_config: tokens.layout.Stage.to_config() of the sequences.
    crop_seconds: Length of the crops, which the samplers must not exceed.
    tokenizers: Fingerprints of the tokenizers whose tokens these are, by source
      ('semantic', 'acoustic').
    z_loss: Weight of the squared log normalizer, which keeps logits near 0.
    label_smoothing: Share of each target that is spread over all ids. The
      metric 'loss' is without.
    num_microbatches: Pieces that a batch is computed in, one after the other.
    ema_decay: Decay of the moving average of the parameters, which evaluations
      and bundles then use; None for none.
    hearing: Makes what one hears at evaluations; None for nothing.
  """

  model: Transformer
  tx: optax.GradientTransformation
  stage_config: Mapping[str, Any] = dataclasses.field(default_factory=dict)
  crop_seconds: float | None = None
  tokenizers: Mapping[str, str] = dataclasses.field(default_factory=dict)
  z_loss: float = 1e-4
  label_smoothing: float = 0.0
  num_microbatches: int = 1
  ema_decay: float | None = None
  hearing: Hearing | None = None

  def __post_init__(self):
    if self.hearing:
      self.hearing.check(self.model_config())

  def variables(self, key: PRNGKeyArray, batch: Batch) -> dict[str, PyTree]:
    """Returns {'params', 'mutables'}; parameters carry logical axis names."""
    # Parameters do not depend on the length; initializing is faster on little.
    ids = jnp.zeros((1, 2), jnp.int32)
    variables = self.model.init(key, ids, ids[0], ids)
    params = variables['params']
    mutables = {} if self.ema_decay is None else {'ema': params}
    return {'params': params, 'mutables': mutables}

  def init(self, key: PRNGKeyArray, batch: Batch) -> TrainState:
    """Returns the state before the first step."""
    return descent.start(self.tx, self.variables(key, batch))

  def step(
      self, state: TrainState, batch: Batch, key: PRNGKeyArray
  ) -> tuple[TrainState, Metrics]:
    """Moves the parameters down the loss of a batch."""
    return descent.step(
        self.tx,
        self._loss,
        state,
        batch,
        key,
        self.num_microbatches,
        self.ema_decay,
    )

  def evaluate(self, state: TrainState, batch: Batch) -> Metrics:
    """The same metrics without dropout, over the weight of the targets."""
    params = state.mutables.get('ema', state.params)
    _, (metrics, _) = self._loss(params, state.mutables, batch, None)
    return metrics

  def waveforms(
      self, state: TrainState, batch: Batch
  ) -> Mapping[str, Waveform]:
    """Returns what `hearing` makes with the parameters that are evaluated."""
    return heard(self.hearing, self.model_config(), state)

  def model_config(self) -> dict[str, Any]:
    """Sizes of the model, and which tokens it knows."""
    fields = sizes(self.model)
    # Earlier versions had no choice and said nothing; their runs go on.
    if fields['bidirectional_bias']:
      del fields['bidirectional_bias']
    return {
        'kind': 'language_model',
        **fields,
        'stage': dict(self.stage_config),
        'crop_seconds': self.crop_seconds,
        'tokenizers': dict(self.tokenizers),
    }

  def nats(self, params: PyTree, batch: Batch) -> Float[Array, 'B L']:
    """-log p of each target, whatever its weight."""
    scores = _scores(self._logits(params, batch, None), batch['targets'])
    return scores.log_normalizer - scores.target

  def _logits(
      self, params: PyTree, batch: Batch, key: PRNGKeyArray | None
  ) -> Float[Array, 'B L V']:
    return self.model.apply(
        {'params': params},
        batch['inputs'],
        batch['positions'],
        batch['segment_ids'],
        deterministic=key is None,
        rngs={} if key is None else {'dropout': key},
    )

  def _loss(
      self,
      params: PyTree,
      mutables: PyTree,
      batch: Batch,
      key: PRNGKeyArray | None,
  ) -> tuple[Float[Array, ''], tuple[Metrics, PyTree]]:
    """Dropout only where there is a key."""
    logits = self._logits(params, batch, key)
    target, log_normalizer = _scores(logits, batch['targets'])
    weights = batch['loss_weights']
    weight = weights.sum()

    def mean(values: Float[Array, 'B L']) -> Float[Array, '']:
      return (weights * values).sum() / jnp.maximum(weight, 1.0)

    # XLA:CPU is slow at argmax.
    hits = target >= logits.max(axis=-1)
    metrics = {
        'loss': mean(log_normalizer - target),
        'z_loss': mean(self.z_loss * jnp.square(log_normalizer)),
        'accuracy': mean(hits.astype(jnp.float32)),
        'weight': weight,
    }
    loss = metrics['loss'] + metrics['z_loss']
    if self.label_smoothing:
      loss += self.label_smoothing * mean(target - logits.mean(axis=-1))
    return loss, (metrics, mutables)


class _Scores(NamedTuple):
  """Log-scores whose difference is a cross-entropy."""

  target: Float[Array, 'B L']
  log_normalizer: Float[Array, 'B L']


@jax.custom_vjp
def _scores(
    logits: Float[Array, 'B L V'], targets: Int[Array, 'B L']
) -> _Scores:
  """The targets' logits, and the logarithm of the sum over all ids."""
  target = jnp.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]
  return _Scores(target, jax.nn.logsumexp(logits, axis=-1))


def _scores_forward(
    logits: Float[Array, 'B L V'], targets: Int[Array, 'B L']
) -> tuple[_Scores, tuple[Array, Array, Array]]:
  scores = _scores(logits, targets)
  return scores, (logits, targets, scores.log_normalizer)


def _scores_backward(
    saved: tuple[Array, Array, Array], grad: _Scores
) -> tuple[Float[Array, 'B L V'], None]:
  """One pass over the logits, where autodiff makes several and a scatter."""
  logits, targets, log_normalizer = saved
  p = jnp.exp(logits - log_normalizer[..., None])
  is_target = jnp.arange(logits.shape[-1])[None, None] == targets[..., None]
  at_target = jnp.where(is_target, grad.target[..., None], 0.0)
  return p * grad.log_normalizer[..., None] + at_target, None


_scores.defvjp(_scores_forward, _scores_backward)
