"""The stage that SoundStorm models, described as the other stages are."""

import dataclasses

from audiolm_jax.tokens import frames, stages
from audiolm_jax.tokens.layout import Stage
from audiolm_jax.tokens.stages import AUDIOLM, Sizes


def soundstorm(sizes: Sizes = AUDIOLM) -> Stage:
  """All acoustic levels given semantic tokens that keep their time.

  It is not flattened: tokens.batches.windows cuts windows of frames for it. The
  stage says which tokens these are, so that others are refused.
  """
  everything = stages.coarse(
      sizes, sizes.num_quantizers, deduplicate=False, positions='time'
  )
  return dataclasses.replace(everything, name='soundstorm')


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
