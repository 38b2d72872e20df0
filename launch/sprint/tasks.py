"""Tasks of a run, and their settings. Needs JAX, Flax, Optax."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from flax import linen as nn
from jaxtyping import PyTree

from audiolm_jax.training.state import Batch, TrainState, TrainStep


@dataclasses.dataclass(frozen=True)
class Settings:
  """Settings of a training.

  Attributes:
    learning_rate: Peak.
    batch_size: Crops or windows a step.
    window_seconds: Length of the crops that a codec hears.
    alone_steps: Steps in which only the discriminators learn.
    loss_weights: SoundStreamTrainStep.weights.
    game_weights: Weights of 'adversarial' and 'feature_matching'.
    judge_channels: First widths of the STFT and waveform discriminators.
    level_decay: SoundStormTrainStep's.
    longest_prompt: SoundStormTrainStep's.
    shortest_seconds: Length of the shortest windows of tokens.
    seed: Seed of everything drawn.
  """

  learning_rate: float
  batch_size: int = 64
  window_seconds: float = 1.0
  alone_steps: int = 300
  loss_weights: Mapping[str, float] = dataclasses.field(
      default_factory=lambda: {'spectral': 0.3, 'magnitude': 5.0}
  )
  game_weights: Mapping[str, float] = dataclasses.field(
      default_factory=lambda: {'adversarial': 0.3, 'feature_matching': 0.6}
  )
  judge_channels: tuple[int, int] = (32, 16)
  level_decay: float = 0.6
  longest_prompt: float = 0.5
  shortest_seconds: float = 1.0
  seed: int = 0


class Task(NamedTuple):
  """A training, with all that a run has to know of it.

  Attributes:
    train_step: One of ours.
    state: Before the first step.
    batches: For ever.
    rates: The optimizers' state at a step and a share of the time.
    weights: Function from a state to the weights that come back.
    seconds: Seconds of sound in a batch.
  """

  train_step: TrainStep
  state: TrainState
  batches: Iterator[Batch]
  rates: Callable[[PyTree, int, float], PyTree]
  weights: Callable[[TrainState], PyTree]
  seconds: Callable[[Batch], float]


def module(
    kind: type[nn.Module], contents: Mapping[str, Any], **settings: Any
) -> Any:
  """The module of a packed configuration.

  parts.build would import what reads checkpoints.
  """
  names = {field.name for field in dataclasses.fields(kind)}
  fields = {
      name: tuple(value) if isinstance(value, list) else value
      for name, value in contents['config'].items()
      if name in names
  }
  return kind(**fields, **settings)
