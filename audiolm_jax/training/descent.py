"""Parts shared by training steps in which one optimizer lowers the loss."""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int, PRNGKeyArray, PyTree

from audiolm_jax.training import microbatches
from audiolm_jax.training.microbatches import Loss
from audiolm_jax.training.state import Batch, Metrics, TrainState, unbox


def start(
    tx: optax.GradientTransformation, variables: dict[str, PyTree]
) -> TrainState:
  """The state before the first step, of TrainStep.variables."""
  variables = unbox(variables)
  return TrainState(
      step=jnp.zeros((), jnp.int32),
      opt_state=tx.init(variables['params']),
      **variables,
  )


def step(
    tx: optax.GradientTransformation,
    loss: Loss,
    state: TrainState,
    batch: Batch,
    key: PRNGKeyArray,
    num_microbatches: int = 1,
    ema_decay: float | None = None,
) -> tuple[TrainState, Metrics]:
  """Moves the parameters down the loss of a batch.

  Args:
    tx: The optimizer.
    loss: See microbatches.Loss.
    state: State before the step, with the parameters to move.
    batch: Rows first.
    key: Key of all steps; the noise is that of fold_in(key, state.step).
    num_microbatches: Pieces that the batch is computed in.
    ema_decay: Decay of the average in mutables['ema'], None if there is none.
  """
  # The noise of a step follows from its number alone: a run that was resumed
  # draws the same as one that never stopped.
  key = jax.random.fold_in(key, state.step)
  found = microbatches.gradients(loss, state, batch, key, num_microbatches)
  updates, opt_state = tx.update(found.grads, state.opt_state, state.params)
  params = optax.apply_updates(state.params, updates)
  mutables = found.mutables
  if ema_decay is not None:
    ema = moved_average(mutables['ema'], params, state.step, ema_decay)
    mutables = {**mutables, 'ema': ema}
  new_state = state.replace(
      step=state.step + 1,
      params=params,
      opt_state=opt_state,
      mutables=mutables,
  )
  return new_state, found.metrics


def moved_average(
    ema: PyTree, params: PyTree, step: Int[Array, ''], decay: float
) -> PyTree:
  """The moving average of parameters after one more step.

  It forgets faster while it is young, so that what the parameters were at
  random is gone after some hundred steps. What does not move keeps every bit:
  the tokens of a frozen encoder have to stay.
  """
  # As TensorFlow's ExponentialMovingAverage does with `num_updates`.
  young = (1.0 + step) / (10.0 + step)
  rate = 1 - jnp.minimum(decay, young)
  return jax.tree.map(lambda old, new: old + rate * (new - old), ema, params)
