"""Initial variables and training state of a SoundStream."""

from collections.abc import Iterable

import jax
import jax.numpy as jnp
import optax
from jaxtyping import PRNGKeyArray, PyTree

from audiolm_jax.soundstream import balancer, codebooks
from audiolm_jax.soundstream.adversary import Adversary
from audiolm_jax.soundstream.networks import Networks
from audiolm_jax.training.state import Batch, TrainState


def variables(
    model: Networks,
    adversary: Adversary | None,
    losses: Iterable[str],
    ema_decay: float | None,
    key: PRNGKeyArray,
    batch: Batch,
) -> dict[str, PyTree]:
  """Returns {'params', 'mutables'}; kernels carry logical axis names.

  Args:
    model: The codec.
    adversary: The discriminators, if there are any.
    losses: Names of the losses, whose gradients the balancer averages.
    ema_decay: None if the parameters are not averaged.
    key: Key of the parameters.
    batch: A batch as the step gets it; a row of it is traced.
  """
  generator_key, discriminator_key = jax.random.split(key)
  waveform = batch['waveform'][:1]
  frame = waveform[:, : model.hop_length]
  params = {
      'generator': model.init(generator_key, frame)['params'],
      'discriminator': (
          adversary.init(discriminator_key, waveform) if adversary else {}
      ),
  }
  mutables = {
      'codebooks': codebooks.empty(
          model.num_quantizers, model.codebook_size, model.embedding_dim
      ),
      'balancer': balancer.empty(losses),
  }
  if ema_decay is not None:
    mutables['ema'] = params
  return {'params': params, 'mutables': mutables}


def state(
    variables: dict[str, PyTree],
    tx: optax.GradientTransformation,
    adversary: Adversary | None,
) -> TrainState:
  """The state before the first step, of unboxed `variables`."""
  params = variables['params']
  discriminator = (
      adversary.tx.init(params['discriminator']) if adversary else {}
  )
  return TrainState(
      step=jnp.zeros((), jnp.int32),
      params=params,
      opt_state={
          'generator': tx.init(params['generator']),
          'discriminator': discriminator,
      },
      mutables=variables['mutables'],
  )
