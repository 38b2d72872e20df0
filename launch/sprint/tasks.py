"""A packed folder as something that can be trained. Needs JAX, Flax, Optax."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import PyTree

from audiolm_jax.soundstorm.model import SoundStorm
from audiolm_jax.soundstorm.train_step import SoundStormTrainStep
from audiolm_jax.soundstream import adversary, networks
from audiolm_jax.soundstream.adversary import Adversary
from audiolm_jax.soundstream.codebooks import Codebooks
from audiolm_jax.soundstream.discriminators import Discriminators
from audiolm_jax.soundstream.train_step import SoundStreamTrainStep
from audiolm_jax.tokens.layout import Stage
from audiolm_jax.tokens.stages import Sizes
from audiolm_jax.training import optimizers
from audiolm_jax.training.state import Batch, TrainState, TrainStep
from launch.sprint import batches, codes, folder, pace, sounds
from launch.sprint.folder import Parcel


@dataclasses.dataclass(frozen=True)
class Settings:
  """How it is learnt.

  Attributes:
    learning_rate: Peak.
    batch_size: Crops or windows a step.
    window_seconds: Length of the crops that a codec hears.
    alone_steps: Steps in which only the discriminators learn.
    loss_weights: Of 'spectral' and 'complex'.
    game_weights: Of 'adversarial' and 'feature_matching'.
    judge_channels: First widths of the STFT and waveform discriminators.
    level_decay: SoundStormTrainStep's.
    seed: Of everything drawn.
  """

  learning_rate: float
  batch_size: int = 64
  window_seconds: float = 1.0
  alone_steps: int = 300
  loss_weights: Mapping[str, float] = dataclasses.field(
      default_factory=lambda: {'spectral': 0.4, 'complex': 3.0}
  )
  game_weights: Mapping[str, float] = dataclasses.field(
      default_factory=lambda: {'adversarial': 0.3, 'feature_matching': 0.6}
  )
  judge_channels: tuple[int, int] = (32, 16)
  level_decay: float = 0.9
  seed: int = 0


class Task(NamedTuple):
  """What a run needs to know.

  Attributes:
    train_step: One of ours.
    state: Before the first step.
    batches: For ever.
    rates: The optimizers' state at a step and a share of the time.
    weights: What comes back.
    seconds: Of sound in a batch.
  """

  train_step: TrainStep
  state: TrainState
  batches: Iterator[Batch]
  rates: Callable[[PyTree, int, float], PyTree]
  weights: Callable[[TrainState], PyTree]
  seconds: Callable[[Batch], float]


def make(parcel: Parcel, settings: Settings) -> Task:
  """The task that was packed."""
  makers = {'decoder': _decoder, 'soundstorm': _soundstorm}
  return makers[parcel.contents['task']](parcel, settings)


def _decoder(parcel: Parcel, settings: Settings) -> Task:
  contents = parcel.contents
  model = _module(networks.KINDS[contents['config']['kind']], contents)
  rate = model.sample_rate
  found = batches.of_sounds(
      sounds.decompress(parcel.streams['sounds'], contents['crop_samples']),
      contents['bits'],
      contents['lengths'],
      round(settings.window_seconds * rate),
      settings.batch_size,
      settings.seed,
  )
  step = _codec_step(model, settings)
  state = _codec_state(step, next(found), parcel.streams['weights'], settings)

  def rates(opt_state: PyTree, index: int, share: float) -> PyTree:
    now = settings.learning_rate * pace.cosine(share)
    waiting = index < settings.alone_steps
    return {
        'generator': pace.with_rate(
            opt_state['generator'], 0.0 if waiting else now
        ),
        'discriminator': pace.with_rate(opt_state['discriminator'], now),
    }

  return Task(
      step,
      state,
      found,
      rates,
      lambda state: {'decoder': state.mutables['ema']['decoder']},
      lambda batch: float(batch['length'].sum()) / rate,
  )


def _codec_step(
    model: networks.Networks, settings: Settings
) -> SoundStreamTrainStep:
  stft_channels, wave_channels = settings.judge_channels
  game = Adversary(
      Discriminators(
          wave_channels=wave_channels,
          max_wave_channels=64 * wave_channels,
          stft_channels=stft_channels,
          dtype=jnp.bfloat16,
      ),
      pace.paced(optimizers.adam(1.0, b1=0.8, b2=0.99)),
      settings.game_weights,
      matching=adversary.relative_feature_matching_loss,
  )
  return SoundStreamTrainStep(
      model,
      pace.paced(optimizers.adam(1.0, b1=0.8, b2=0.99, weight_decay=1e-3)),
      game,
      settings.loss_weights,
      full_depth_share=0.5,
      decoder_only=True,
      balancer_decay=None,
      ema_decay=0.999,
  )


def _codec_state(
    step: SoundStreamTrainStep, batch: Batch, data: bytes, settings: Settings
) -> TrainState:
  """From the weights; arrays are copies, for a step takes them all over."""
  state = jax.jit(step.init)(jax.random.key(settings.seed), batch)
  arrays = folder.weights_from_bytes(data)
  vectors = arrays['codebooks']
  books = Codebooks(
      jnp.array(vectors),
      jnp.array(vectors),
      jnp.ones(vectors.shape[:2]),
      jnp.array(True),
  )
  generator, average = (jax.tree.map(jnp.array, arrays['params']) for _ in '12')
  return state.replace(
      params={**state.params, 'generator': generator},
      mutables={**state.mutables, 'codebooks': books, 'ema': average},
  )


def _soundstorm(parcel: Parcel, settings: Settings) -> Task:
  config = parcel.contents['config']
  stage = Stage.from_config(config['stage'])
  packed = codes.Packed(
      folder.from_bytes(parcel.streams['tokens']),
      Sizes(**parcel.contents['sizes']),
  )
  found = batches.of_tokens(
      codes.unpack(packed),
      stage,
      config['crop_seconds'],
      settings.batch_size,
      settings.seed,
  )
  step = SoundStormTrainStep(
      _module(SoundStorm, parcel.contents, dtype=jnp.bfloat16),
      pace.paced(optimizers.adam(1.0, b2=0.98, weight_decay=1e-2)),
      level_decay=settings.level_decay,
  )
  state = jax.jit(step.init)(jax.random.key(settings.seed), next(found))
  if 'weights' in parcel.streams:
    params = folder.weights_from_bytes(parcel.streams['weights'])
    state = state.replace(params=jax.tree.map(jnp.array, params))
  return Task(
      step,
      state,
      found,
      lambda opt_state, _, share: pace.with_rate(
          opt_state, settings.learning_rate * pace.cosine(share)
      ),
      lambda state: state.params,
      lambda batch: float(batch['lengths'].sum())
      / stage.target.frames_per_second,
  )


def _module(
    kind: type[nn.Module], contents: Mapping[str, Any], **settings: Any
) -> Any:
  # parts.build would import what reads checkpoints.
  names = {field.name for field in dataclasses.fields(kind)}
  fields = {
      name: tuple(value) if isinstance(value, list) else value
      for name, value in contents['config'].items()
      if name in names
  }
  return kind(**fields, **settings)
