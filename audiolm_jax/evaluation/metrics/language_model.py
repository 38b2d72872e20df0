"""A stage's validation loss beside what counting tokens already gives."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from audiolm_jax.evaluation.metrics import ngrams

# Arrays 'inputs', 'targets' (ids, B L) and 'loss_weights' (B L).
Batch = Mapping[str, np.ndarray]
# A batch -> -log p of each target in nats.
Nats = Callable[[Batch], Float[np.ndarray, 'B L']]


class Losses(NamedTuple):
  """Nats a token on the same targets.

  Attributes:
    model: Loss of the language model.
    unigram: Loss of id counts, given the quantizer level.
    bigram: Loss of pair counts, given the id that the model reads there.
    num_tokens: Targets that the means are over.
  """

  model: float
  unigram: float
  bigram: float
  num_tokens: int


class Evaluation(NamedTuple):
  """Losses of one stage.

  Attributes:
    total: Losses over all targets, end tokens included.
    levels: Losses over the targets of each quantizer level of the stage.
    num_training_tokens: Targets that the baselines were counted on.
  """

  total: Losses
  levels: list[Losses]
  num_training_tokens: int


class _Targets(NamedTuple):
  """The targets of some batches that count, flat."""

  before: Int[np.ndarray, ' L']
  targets: Int[np.ndarray, ' L']


def evaluate(
    nats: Nats,
    training_batches: Iterable[Batch],
    validation_batches: Iterable[Batch],
    groups: Int[np.ndarray, ' V'],
) -> Evaluation:
  """Compares a model with a unigram and a bigram on the validation targets.

  Args:
    nats: The model.
    training_batches: Batches that the n-grams are counted on.
    validation_batches: Batches that all three models are measured on.
    groups: Quantizer level of each id, -1 for ids that are never predicted; an
      end token belongs to the level in whose place it stands.
  """
  training = _targets(training_batches)
  unigram = ngrams.fit_unigram(training.targets, groups)
  bigram = ngrams.fit_bigram(training.before, training.targets, unigram)
  validation, model = [], []
  for batch in validation_batches:
    counts = batch['loss_weights'] > 0
    validation.append(batch)
    model.append(np.asarray(nats(batch))[counts])
  before, targets = _targets(validation)
  table = np.stack(
      [
          np.concatenate(model),
          ngrams.unigram_nats(unigram, targets),
          ngrams.bigram_nats(bigram, before, targets),
      ]
  )
  levels = groups[targets]
  return Evaluation(
      total=_mean(table),
      levels=[_mean(table[:, levels == level]) for level in np.unique(levels)],
      num_training_tokens=len(training.targets),
  )


def _targets(batches: Iterable[Batch]) -> _Targets:
  pairs = [
      (batch['inputs'][counts], batch['targets'][counts])
      for batch in batches
      for counts in [batch['loss_weights'] > 0]
  ]
  return _Targets(*(np.concatenate(ids) for ids in zip(*pairs, strict=True)))


def _mean(table: Float[np.ndarray, '3 L']) -> Losses:
  return Losses(*(float(x) for x in table.mean(axis=1)), table.shape[1])
