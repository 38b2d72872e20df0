"""The stages: which tokens are predicted from which (AudioLM s. III)."""

import dataclasses
from typing import Any, NamedTuple

from audiolm_jax.errors import UserError
from audiolm_jax.tokens.fields import ACOUSTIC, FIRST_ID, SEMANTIC, Field
from audiolm_jax.tokens.layout import Stage


class Sizes(NamedTuple):
  """Sizes of the tokenizers that the stages must know; defaults are AudioLM's.

  Rates are frames per second.
  """

  semantic_codebook_size: int = 1024
  semantic_rate: float = 25.0
  acoustic_codebook_size: int = 1024
  acoustic_rate: float = 50.0
  num_quantizers: int = 12


AUDIOLM = Sizes()


class Traits(NamedTuple):
  """Properties that all models of a stage have in common, whatever their sizes.

  Attributes:
    key_number: Number that is folded into the keys of what the stage draws.
    crop_seconds: Length of AudioLM's crops (s. IV-B), for models that do not
      say what theirs was.
  """

  key_number: int
  crop_seconds: float


# Key numbers never move: with another one, a seed gives other audio. The last
# two have the same, as one chain never holds both.
TRAITS = {
    'semantic': Traits(0, 30.0),
    'coarse': Traits(1, 10.0),
    'fine': Traits(2, 3.0),
    'acoustic_only': Traits(3, 10.0),
    'soundstorm': Traits(3, 30.0),
}


def semantic(
    sizes: Sizes = AUDIOLM, deduplicate: bool = True, positions: str = 'index'
) -> Stage:
  """Stage 1: semantic tokens from nothing."""
  return _stage('semantic', [], _semantic_field(sizes, deduplicate), positions)


def coarse(
    sizes: Sizes = AUDIOLM,
    num_coarse: int = 4,
    deduplicate: bool = True,
    positions: str = 'index',
) -> Stage:
  """Stage 2: the first `num_coarse` levels given the semantic tokens."""
  _check_num_coarse(num_coarse, sizes)
  prefix = [_semantic_field(sizes, deduplicate)]
  target = _acoustic_field(sizes, range(num_coarse))
  return _stage('coarse', prefix, target, positions)


def fine(
    sizes: Sizes = AUDIOLM, num_coarse: int = 4, positions: str = 'index'
) -> Stage:
  """Stage 3: the other levels given the first `num_coarse`."""
  _check_num_coarse(num_coarse, sizes)
  if num_coarse == sizes.num_quantizers:
    raise UserError(
        f'No fine stage: the coarse stage makes all {num_coarse} levels.'
    )
  prefix = [_acoustic_field(sizes, range(num_coarse))]
  target = _acoustic_field(sizes, range(num_coarse, sizes.num_quantizers))
  return _stage('fine', prefix, target, positions)


def acoustic_only(
    sizes: Sizes = AUDIOLM, num_coarse: int = 4, positions: str = 'index'
) -> Stage:
  """The coarse stage without semantic tokens: the ablation of s. IV-I."""
  _check_num_coarse(num_coarse, sizes)
  target = _acoustic_field(sizes, range(num_coarse))
  return _stage('acoustic_only', [], target, positions)


def _check_num_coarse(num_coarse: int, sizes: Sizes):
  if not 0 < num_coarse <= sizes.num_quantizers:
    raise UserError(
        f'num_coarse is {num_coarse}; the codec has {sizes.num_quantizers}'
        ' levels.'
    )


def _semantic_field(sizes: Sizes, deduplicate: bool) -> Field:
  return Field(
      source=SEMANTIC,
      levels=range(1),
      codebook_size=sizes.semantic_codebook_size,
      frames_per_second=sizes.semantic_rate,
      deduplicate=deduplicate,
  )


def _acoustic_field(sizes: Sizes, levels: range) -> Field:
  return Field(
      source=ACOUSTIC,
      levels=levels,
      codebook_size=sizes.acoustic_codebook_size,
      frames_per_second=sizes.acoustic_rate,
  )


def _stage(
    name: str, prefix: list[Field], target: Field, positions: str
) -> Stage:
  offset = FIRST_ID
  fields = []
  for field in (*prefix, target):
    fields.append(dataclasses.replace(field, offset=offset))
    offset = fields[-1].end
  return Stage(name, tuple(fields[:-1]), fields[-1], positions)


def config(stage: Stage) -> dict[str, Any]:
  """`Stage.to_config` as a function, for configuration files."""
  return stage.to_config()


def vocab_size(stage: Stage) -> int:
  """`Stage.vocab_size` as a function, for configuration files."""
  return stage.vocab_size
