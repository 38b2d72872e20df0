"""A SoundStorm that learns packed tokens, from scratch or from its weights."""

import jax
import jax.numpy as jnp

from audiolm_jax.soundstorm.model import SoundStorm
from audiolm_jax.soundstorm.train_step import SoundStormTrainStep
from audiolm_jax.tokens.layout import Stage
from audiolm_jax.tokens.stages import Sizes
from audiolm_jax.training import optimizers
from launch.sprint import batches, codes, folder, pace, tasks
from launch.sprint.folder import Parcel
from launch.sprint.tasks import Settings, Task


def make(parcel: Parcel, settings: Settings) -> Task:
  """The task that was packed."""
  config = parcel.contents['config']
  stage = Stage.from_config(config['stage'])
  packed = codes.Packed(
      folder.from_bytes(parcel.streams['tokens']),
      Sizes(**parcel.contents['sizes']),
  )
  found = batches.of_tokens(
      codes.unpack(packed),
      stage,
      (settings.shortest_seconds, config['crop_seconds']),
      settings.batch_size,
      settings.seed,
  )
  step = SoundStormTrainStep(
      tasks.module(SoundStorm, parcel.contents, dtype=jnp.bfloat16),
      pace.paced(optimizers.adam(1.0, b2=0.98, weight_decay=1e-2)),
      level_decay=settings.level_decay,
      longest_prompt=settings.longest_prompt,
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
