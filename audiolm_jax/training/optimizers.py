"""Learning-rate schedules and optimizers, as plain functions."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import PyTree

from audiolm_jax.errors import UserError


def constant(learning_rate: float, warmup_steps: int = 0) -> optax.Schedule:
  """Linear warm-up to a rate that stays."""
  return lambda step: learning_rate * _warmup(step, warmup_steps)


def rsqrt(
    learning_rate: float = 1.0, warmup_steps: int = 10_000
) -> optax.Schedule:
  """T5's rate: learning_rate / sqrt(max(step, warmup_steps)), flat at first."""
  return lambda step: learning_rate / jnp.sqrt(jnp.maximum(step, warmup_steps))


def rsqrt_with_ramp(peak: float, warmup_steps: int) -> optax.Schedule:
  """The first Transformer's rate: linear up to the peak, then 1 / sqrt(step).

  w2v-BERT trains with it (peak 2e-3, 25,000 steps of warm-up).
  """
  decay = rsqrt(peak * warmup_steps**0.5, warmup_steps)
  return lambda step: decay(step) * _warmup(step, warmup_steps)


def cosine(
    peak: float, warmup_steps: int, num_steps: int, final_fraction: float = 0.0
) -> optax.Schedule:
  """Linear up to the peak, then half a cosine down to final_fraction of it.

  Raises:
    UserError: There are no steps left after the warm-up.
  """
  if num_steps <= warmup_steps:
    raise UserError(
        f'{warmup_steps} steps of warm-up leave none of {num_steps} steps;'
        ' train longer or set optimizers.cosine.warmup_steps lower.'
    )
  return optax.warmup_cosine_decay_schedule(
      init_value=0.0,
      peak_value=peak,
      warmup_steps=warmup_steps,
      decay_steps=num_steps,
      end_value=peak * final_fraction,
  )


def trapezoid(
    peak: float,
    warmup_steps: int,
    num_steps: int,
    decay_fraction: float = 0.15,
    final_fraction: float = 0.0,
) -> optax.Schedule:
  """Linear up to the peak, level, and linear down in the last steps.

  A run whose hours are not known yet stays on the level: with more num_steps it
  goes on from a checkpoint of before the descent as if they had been known.

  Raises:
    UserError: The warm-up reaches into the descent.
  """
  descent = round(num_steps * decay_fraction)
  if warmup_steps > num_steps - descent:
    raise UserError(
        f'{warmup_steps} steps of warm-up do not fit before the last {descent}'
        f' of {num_steps} steps; train longer or lower'
        ' optimizers.trapezoid.warmup_steps.'
    )
  down = optax.linear_schedule(
      peak, peak * final_fraction, max(descent, 1), num_steps - descent
  )
  return lambda step: down(step) * _warmup(step, warmup_steps)


def adam(
    learning_rate: optax.ScalarOrSchedule,
    b1: float = 0.9,
    b2: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    clip_norm: float = 1.0,
) -> optax.GradientTransformation:
  """Adam (AdamW with weight_decay) on gradients clipped by their global norm.

  Biases and the scales of norms never decay; clip_norm=inf clips nothing.
  """
  return optax.chain(
      optax.clip_by_global_norm(clip_norm),
      optax.adamw(
          learning_rate, b1, b2, eps, weight_decay=weight_decay, mask=_decays
      ),
  )


def adafactor(
    learning_rate: optax.ScalarOrSchedule,
    decay_rate: float = 0.8,
    clip_norm: float = 1.0,
) -> optax.GradientTransformation:
  """Adafactor with t5x's defaults, on gradients clipped by their global norm.

  The rate is in units of each parameter's root mean square, of which a stack
  of layers in one array would have only one: keep layers apart, as lm does.
  """
  return optax.chain(
      optax.clip_by_global_norm(clip_norm),
      optax.adafactor(learning_rate, decay_rate=decay_rate),
  )


def _warmup(step: jax.typing.ArrayLike, warmup_steps: int) -> jax.Array:
  return jnp.where(step < warmup_steps, step / max(warmup_steps, 1), 1.0)


def _decays(params: PyTree) -> PyTree:
  def decays(path: jax.tree_util.KeyPath, leaf: Any) -> bool:
    return jax.tree_util.keystr(path[-1:], simple=True) not in ('bias', 'scale')

  return jax.tree.map_with_path(decays, params)
