"""The decoder of a codec against discriminators; all else stays as it is."""

import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from audiolm_jax.soundstream import adversary, networks
from audiolm_jax.soundstream.adversary import Adversary
from audiolm_jax.soundstream.codebooks import Codebooks
from audiolm_jax.soundstream.discriminators import Discriminators
from audiolm_jax.soundstream.train_step import SoundStreamTrainStep
from audiolm_jax.training import optimizers
from audiolm_jax.training.state import Batch, TrainState
from launch.sprint import batches, folder, pace, sounds, tasks
from launch.sprint.folder import Parcel
from launch.sprint.tasks import Settings, Task


def make(parcel: Parcel, settings: Settings) -> Task:
  """The task that was packed."""
  contents = parcel.contents
  model = tasks.module(networks.KINDS[contents['config']['kind']], contents)
  rate = model.sample_rate
  found = batches.of_sounds(
      sounds.decompress(parcel.streams['sounds'], contents['crop_samples']),
      contents['bits'],
      contents['lengths'],
      round(settings.window_seconds * rate),
      settings.batch_size,
      settings.seed,
  )
  step = _step(model, settings)
  state = _state(step, next(found), parcel.streams['weights'], settings)

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
      lambda state: {'decoder': state.mutables['ema']['generator']['decoder']},
      lambda batch: float(batch['length'].sum()) / rate,
  )


def _step(model: networks.Networks, settings: Settings) -> SoundStreamTrainStep:
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


def _state(
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
  params = {**state.params, 'generator': arrays['params']}
  params, average = (jax.tree.map(jnp.array, params) for _ in range(2))
  mutables = {**state.mutables, 'codebooks': books, 'ema': average}
  return state.replace(params=params, mutables=mutables)
