"""A stage's sequences as the n-grams and the loss by level want them."""

from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import Int

from audiolm_jax.evaluation.metrics.language_model import Batch
from audiolm_jax.tokens.fields import EOS, PAD
from audiolm_jax.tokens.layout import Stage
from audiolm_jax.tokens.sequence import Codes


def level_of_ids(stage: Stage) -> Int[np.ndarray, ' V']:
  """Target level of each id, -1 for ids that are never predicted.

  EOS belongs to the first level: it stands where a frame would begin.
  """
  target = stage.target
  levels = np.full(stage.vocab_size, -1)
  levels[EOS] = 0
  for level, first in enumerate(target.level_offsets):
    levels[first : first + target.codebook_size] = level
  return levels


def whole_recordings(
    stage: Stage, recordings: Iterable[Codes]
) -> Iterator[Batch]:
  """Each recording from its beginning to its end as a batch of one row.

  N-grams may count all there is; only the language model is bound to crops.
  """
  for codes in recordings:
    frames = {source: len(values) for source, values in codes.items()}
    example = stage.example(codes, frames, ends=True)
    yield {
        'inputs': np.append(np.int32(PAD), example.ids[:-1])[None],
        'targets': example.ids[None],
        'loss_weights': example.loss_weights[None],
    }
