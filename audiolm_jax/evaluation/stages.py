"""A trained stage on a token store: its loss beside that of n-grams."""

import itertools

import jax
import numpy as np
import optax

from audiolm_jax.bundle import LanguageModel
from audiolm_jax.evaluation import language_model, sequences
from audiolm_jax.tokens import store, tasks
from audiolm_jax.tokens.fields import ACOUSTIC, SEMANTIC


def evaluate(
    found: LanguageModel,
    token_dir: str,
    split: str,
    num_batches: int,
    batch_size: int,
) -> language_model.Evaluation:
  """Compares one stage with n-grams of the whole training split."""
  training = (
      {SEMANTIC: record.semantic[:, None], ACOUSTIC: record.acoustic}
      for record in store.read(token_dir, 'train')
  )
  validation = tasks.evaluation_batches(
      token_dir,
      found.stage,
      split,
      found.crop_seconds,
      batch_size,
  )
  return language_model.evaluate(
      nats_of(found),
      sequences.whole_recordings(found.stage, training),
      itertools.islice(validation, num_batches),
      sequences.level_of_ids(found.stage),
  )


def nats_of(found: LanguageModel) -> language_model.Nats:
  """A stage as a function of batches."""

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
