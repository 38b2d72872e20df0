"""The stage that SoundStorm models, described as the other stages are."""

import dataclasses

from audiolm_jax.tokens import frames, stages
from audiolm_jax.tokens.layout import Stage
from audiolm_jax.tokens.stages import AUDIOLM, Sizes


def soundstorm(sizes: Sizes = AUDIOLM, num_levels: int | None = None) -> Stage:
  """Acoustic levels given semantic tokens that keep their time.

  It is not flattened: tokens.batches.windows cuts windows of frames for it. The
  stage says which tokens these are, so that others are refused.

  Args:
    sizes: Sizes of both tokenizers.
    num_levels: First levels that are made; None for all, as in the paper. The
      last ones of many can hardly be predicted, and a codec that learnt to do
      with fewer sounds better without them than with guesses.

  Raises:
    UserError: The codec has not as many.
  """
  levels = stages.coarse(
      sizes,
      sizes.num_quantizers if num_levels is None else num_levels,
      deduplicate=False,
      positions='time',
  )
  return dataclasses.replace(levels, name='soundstorm')


def semantic_codebook_size(stage: Stage) -> int:
  """Number of semantic ids; a function, for configuration files."""
  return stage.prefix[0].codebook_size


def semantic_per_frame(stage: Stage) -> int:
  """Semantic ids of an acoustic frame; for configuration files."""
  return frames.semantic_per_frame(stage)


def codebook_size(stage: Stage) -> int:
  """Codes of each acoustic level; a function, for configuration files."""
  return stage.target.codebook_size


def num_quantizers(stage: Stage) -> int:
  """Acoustic levels; as a function, for configuration files."""
  return len(stage.target.levels)
