"""Log-likelihoods of sequences of tokens under a stage, in nats."""

import collections
from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np
import optax

from audiolm_jax import progress
from audiolm_jax.bundle.predictors import LanguageModel
from audiolm_jax.evaluation.metrics import language_model
from audiolm_jax.tokens.layout import Stage
from audiolm_jax.tokens.sequence import Codes

_BATCH_SIZE = 16
# Sequences are padded to multiples of it, so that few lengths are compiled.
_FRAMES = 64


class Likelihood(NamedTuple):
  """A model's log-likelihood of one sequence.

  Attributes:
    nats: log p of the target's ids given the prefix, at most 0.
    length: Number of these ids, repeated ones dropped if the stage does.
  """

  nats: float
  length: int


def nats_of(found: LanguageModel) -> language_model.Nats:
  """A stage as a function of batches: -log p of each target."""

  @jax.jit
  def nats(params, inputs, targets, positions, segment_ids):
    logits = found.model.apply(
        {'params': params}, inputs, positions, segment_ids
    )
    return optax.losses.softmax_cross_entropy_with_integer_labels(
        logits, targets
    )

  names = ('inputs', 'targets', 'positions', 'segment_ids')
  return lambda batch: np.asarray(
      nats(found.params, *(batch[name] for name in names))
  )


def of_clips(found: LanguageModel, clips: Sequence[Codes]) -> list[Likelihood]:
  """log p of whole clips from their beginning; that they end does not count.

  A clip longer than the stage's crops is scored all the same, at positions
  that the model was not trained on.
  """
  nats = nats_of(found)
  alike = collections.defaultdict(list)
  for place, codes in enumerate(clips):
    alike[_padded_units(found.stage, codes)].append(place)
  chunks = [
      (units, places[start : start + _BATCH_SIZE])
      for units, places in sorted(alike.items())
      for start in range(0, len(places), _BATCH_SIZE)
  ]
  scores: dict[int, Likelihood] = {}
  for units, places in progress.follow(chunks, 'Likelihoods'):
    batch = _batch(found.stage, [clips[place] for place in places], units)
    weights = batch['loss_weights']
    totals = -(nats(batch) * weights).sum(axis=1)
    for place, total, length in zip(
        places, totals, weights.sum(axis=1), strict=False
    ):
      scores[place] = Likelihood(float(total), int(length))
  return [scores[place] for place in range(len(clips))]


def _padded_units(stage: Stage, codes: Codes) -> int:
  per = stage.frames_per_unit
  units = max(-(-len(rows) // per[name]) for name, rows in codes.items())
  step = max(1, _FRAMES // per[stage.target.source])
  return -(-max(units, 1) // step) * step


def _batch(
    stage: Stage, clips: Sequence[Codes], units: int
) -> language_model.Batch:
  frames = {name: units * per for name, per in stage.frames_per_unit.items()}
  # As many rows every time, for the compiler; those added are dropped.
  rows = [*clips, *[clips[0]] * (_BATCH_SIZE - len(clips))]
  examples = [stage.example(codes, frames, ends=False) for codes in rows]
  ids, weights, segment_ids = map(np.stack, zip(*examples, strict=True))
  return {
      'inputs': np.pad(ids[:, :-1], ((0, 0), (1, 0))),
      'targets': ids,
      'loss_weights': weights,
      'positions': stage.positions_for(frames),
      'segment_ids': segment_ids,
  }
