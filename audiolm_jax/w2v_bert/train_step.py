"""Training step of w2v-BERT, as the train loop wants it."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from audiolm_jax.training import descent
from audiolm_jax.training.state import (
    Batch,
    Metrics,
    TrainState,
    TrainStep,
    sizes,
)
from audiolm_jax.w2v_bert import frontend, losses, masking
from audiolm_jax.w2v_bert.model import Predictions, W2vBert

# The signature of a collapse: fraction of the codes, and of right guesses.
_FEW, _NEARLY_ALL = 0.01, 0.95


@dataclasses.dataclass(frozen=True)
class W2vBertTrainStep(TrainStep):
  """beta (contrastive + alpha diversity) + gamma masked prediction.

  w2v-BERT s. 3; where it names no number, wav2vec 2.0's are the defaults.

  Attributes:
    model: Model that learns.
    tx: Optimizer.
    alpha: Weight of the diversity loss.
    beta: Weight of the contrastive loss.
    gamma: Weight of the masked prediction loss.
    unmasked_weight: Weight of predicting the ids of visible frames too; HuBERT
      s. II-C. Not in the paper; without it little is learnt in minutes.
    mask_start_probability: Probability that a frame starts a masked run.
    mask_span: Frames of a run.
    num_distractors: Masked frames that the contrastive loss tells apart.
    contrastive_temperature: Temperature of the cosine similarities.
    gumbel_start: Temperature of the quantizer's noise at step 0.
    gumbel_end: Its lowest temperature.
    gumbel_decay: Factor a step.
    num_microbatches: Pieces that a batch is computed in, one after the other;
      distractors and diversity are then those of a piece.
  """

  model: W2vBert
  tx: optax.GradientTransformation
  alpha: float = 0.1
  beta: float = 1.0
  gamma: float = 1.0
  unmasked_weight: float = 0.0
  mask_start_probability: float = 0.065
  mask_span: int = 10
  num_distractors: int = 100
  contrastive_temperature: float = 0.1
  gumbel_start: float = 2.0
  gumbel_end: float = 0.1
  gumbel_decay: float = 0.999995
  num_microbatches: int = 1

  def variables(self, key: PRNGKeyArray, batch: Batch) -> dict[str, PyTree]:
    """Returns {'params', 'mutables'}, boxed with the names of their axes."""
    streams = ('params', 'noise', 'quantizer', 'dropout')
    keys = dict(zip(streams, jax.random.split(key, 4), strict=True))
    masked = self._valid(batch)
    variables = self.model.init(
        keys, batch['waveform'], batch['length'], masked, jnp.float32(1.0)
    )
    return {'params': variables.pop('params'), 'mutables': variables}

  def init(self, key: PRNGKeyArray, batch: Batch) -> TrainState:
    """Returns the state before the first step."""
    return descent.start(self.tx, self.variables(key, batch))

  def step(
      self, state: TrainState, batch: Batch, key: PRNGKeyArray
  ) -> tuple[TrainState, Metrics]:
    """One step of the optimizer; its noise is fold_in(key, state.step)."""
    temperature = self._temperature(state.step)
    loss = functools.partial(
        self._loss, temperature=temperature, deterministic=False
    )
    state, metrics = descent.step(
        self.tx, loss, state, batch, key, self.num_microbatches
    )
    return state, metrics | {'temperature': temperature}

  def evaluate(self, state: TrainState, batch: Batch) -> Metrics:
    """Losses without dropout or Gumbel noise, under a mask that stays."""
    key, temperature = jax.random.key(0), jnp.float32(self.gumbel_end)
    _, (metrics, _) = self._loss(
        state.params, state.mutables, batch, key, temperature, True
    )
    return metrics

  def warnings(self, metrics: Mapping[str, float]) -> list[str]:
    """Names a collapse of the codebook, as w2v-BERT has it without contrast."""
    used, size = metrics['perplexity'], self.model.codebook_size
    guessed = metrics['masked_accuracy']
    if used >= max(2, _FEW * size) or guessed < _NEARLY_ALL:
      return []
    return [
        f'the codebook has collapsed: of {size} codes {used:.1f} are in use, so'
        f' that {guessed:.0%} of the masked ids are guessed; raise beta or'
        ' alpha, or lower the learning rate.'
    ]

  def model_config(self) -> dict[str, Any]:
    """JSON that rebuilds the model; the dtype is the machine's choice."""
    return {'kind': 'w2v_bert', **sizes(self.model)}

  def _valid(self, batch: Batch):
    count = batch['waveform'].shape[1] // self.model.hop_length
    return frontend.valid_frames(batch['length'], count)

  def _temperature(self, step: Array) -> Float[Array, '']:
    decayed = self.gumbel_start * self.gumbel_decay ** step.astype(jnp.float32)
    return jnp.maximum(decayed, self.gumbel_end)

  def _loss(self, params, mutables, batch, key, temperature, deterministic):
    keys = jax.random.split(key, 5)
    valid = self._valid(batch)
    masked = masking.span_mask(
        keys[0], valid, self.mask_start_probability, self.mask_span
    )
    streams = ('noise', 'quantizer', 'dropout')
    predictions, mutables = self.model.apply(
        {'params': params, **mutables},
        batch['waveform'],
        batch['length'],
        masked,
        temperature,
        deterministic,
        rngs=dict(zip(streams, keys[1:4], strict=True)),
        # Comes back empty of a quantizer that is learnt by gradients.
        mutable=['codebooks'],
    )
    metrics = self._metrics(predictions, masked, valid, keys[4])
    return metrics['loss'], (metrics, mutables)

  def _metrics(
      self, predictions: Predictions, masked, valid, key: PRNGKeyArray
  ) -> Metrics:
    codes = predictions.codes
    distractors = masking.draw_distractors(
        key, masked, codes.drawn, self.num_distractors
    )
    contrastive, contrastive_accuracy = losses.contrastive(
        predictions.context,
        codes.vectors,
        masked,
        distractors,
        self.contrastive_temperature,
    )
    diversity = losses.diversity(codes.probabilities, valid)
    mlm, accuracy = losses.masked_prediction(
        predictions.logits, codes.ids, masked
    )
    visible, visible_accuracy = losses.masked_prediction(
        predictions.logits, codes.ids, valid & ~masked
    )
    # Of ids and not of probabilities: these may be even while the same id is
    # always the likeliest.
    used = jax.nn.one_hot(codes.ids, codes.probabilities.shape[-1])
    loss = self.beta * (contrastive + self.alpha * diversity)
    return {
        'loss': loss + self.gamma * (mlm + self.unmasked_weight * visible),
        'contrastive': contrastive,
        'contrastive_accuracy': contrastive_accuracy,
        'diversity': diversity,
        'perplexity': losses.perplexity(losses.mean_choice(used, valid)),
        'mlm': mlm,
        'masked_accuracy': accuracy,
        'visible_accuracy': visible_accuracy,
        'masked_fraction': losses.mean_over(masked, valid),
        # Masked prediction is a mean over these frames: batches and their
        # pieces are averaged by how many they are.
        'weight': masked.sum().astype(jnp.float32),
    }
