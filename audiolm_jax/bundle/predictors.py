"""Models that predict tokens, ready to sample from."""

import dataclasses
import functools
from typing import NamedTuple

from jaxtyping import PyTree

from audiolm_jax.lm.sampling import network
from audiolm_jax.lm.transformer import Transformer
from audiolm_jax.soundstorm.model import SoundStorm
from audiolm_jax.tokens.layout import Stage


@dataclasses.dataclass(frozen=True)
class LanguageModel:
  """One stage, ready to sample from.

  Attributes:
    stage: Layout of the sequences that the model reads and predicts.
    model: The Transformer.
    params: Its weights.
    crop_seconds: Length of what it was trained on.
    kept: Type that the sampler keeps matrices in, one of weight_types.TYPES.
  """

  stage: Stage
  model: Transformer
  params: PyTree
  crop_seconds: float
  kept: str = 'full'

  @functools.cached_property
  def weights(self) -> network.Weights:
    """The parameters as the sampler takes them."""
    return network.pack(self.model, self.params, self.kept)


class ParallelModel(NamedTuple):
  """SoundStorm, ready to sample from (soundstorm.sampler).

  Attributes:
    stage: Layout of the tokens that it reads and fills in; it takes them
      unflattened.
    model: The Conformer.
    params: Its weights.
    crop_seconds: Length of the longest windows that it was trained on.
  """

  stage: Stage
  model: SoundStorm
  params: PyTree
  crop_seconds: float
