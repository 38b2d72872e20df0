"""A trained stage on a token store: its loss beside that of n-grams."""

import itertools

from audiolm_jax.bundle.predictors import LanguageModel
from audiolm_jax.evaluation.metrics import language_model
from audiolm_jax.evaluation.subjects import likelihoods, sequences
from audiolm_jax.tokens.batches import sequences as sequence_batches
from audiolm_jax.tokens.fields import ACOUSTIC, SEMANTIC
from audiolm_jax.tokens.store import store


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
  validation = sequence_batches.evaluation_batches(
      token_dir,
      found.stage,
      split,
      found.crop_seconds,
      batch_size,
  )
  return language_model.evaluate(
      likelihoods.nats_of(found),
      sequences.whole_recordings(found.stage, training),
      itertools.islice(validation, num_batches),
      sequences.level_of_ids(found.stage),
  )
