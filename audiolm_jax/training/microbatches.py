"""Gradients of a batch too large to be held at once, piece by piece."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, PRNGKeyArray, PyTree

from audiolm_jax.errors import UserError
from audiolm_jax.training.state import SHARED, Batch, Metrics, TrainState

Loss = Callable[
    [PyTree, PyTree, Batch, PRNGKeyArray], tuple[Array, tuple[Metrics, PyTree]]
]


class Gradients(NamedTuple):
  """The gradients and metrics of a batch.

  Attributes:
    grads: Gradients of the mean loss.
    metrics: Means, and 'gradient_norm' before any clipping.
    mutables: Mutables as the last piece left them.
  """

  grads: PyTree
  metrics: Metrics
  mutables: PyTree


def gradients(
    loss: Loss, state: TrainState, batch: Batch, key: PRNGKeyArray, count: int
) -> Gradients:
  """Gradients and metrics of the whole batch, `count` pieces one by one.

  Pieces count as metrics['weight'] says, so that a mean over targets is that of
  the batch however they are spread. Memory holds the activations of one piece.
  Mutables go from piece to piece.

  Args:
    loss: (params, mutables, batch, key) -> (loss, (metrics, mutables)), a mean
      and the means it is made of; 'weight' is what they are over.
    state: State whose parameters the gradients are of.
    batch: Rows first, but for what all rows share (state.SHARED).
    key: Key of the noise; every piece has its own.
    count: Pieces; 1 takes the batch as it is.

  Raises:
    UserError: The rows do not divide into as many pieces.
  """
  grad = jax.grad(loss, has_aux=True)
  params, mutables = state.params, state.mutables
  if count == 1:
    grads, (metrics, mutables) = grad(params, mutables, batch, key)
  else:
    grads, metrics, mutables = _accumulated(grad, state, batch, key, count)
  norm = {'gradient_norm': optax.tree.norm(grads)}
  return Gradients(grads, metrics | norm, mutables)


def _accumulated(
    grad: Callable[..., tuple[PyTree, tuple[Metrics, PyTree]]],
    state: TrainState,
    batch: Batch,
    key: PRNGKeyArray,
    count: int,
) -> tuple[PyTree, Metrics, PyTree]:
  pieces = {name: _split(name, rows, count) for name, rows in batch.items()}

  def add(carry, piece):
    total, mutables = carry
    grads, (metrics, mutables) = grad(state.params, mutables, *piece)
    weighted = jax.tree.map(lambda x: metrics['weight'] * x, (grads, metrics))
    total = jax.tree.map(jnp.add, total, weighted)
    return (total, mutables), metrics['weight']

  # A scan carries trees whose shapes are known before it starts; tracing the
  # gradients for them computes nothing.
  first = jax.tree.map(lambda rows: rows[0], pieces)
  shapes = jax.eval_shape(grad, state.params, state.mutables, first, key)
  grads, (metrics, _) = jax.tree.map(
      lambda x: jnp.zeros(x.shape, x.dtype), shapes
  )
  (total, mutables), weights = jax.lax.scan(
      add,
      ((grads, metrics), state.mutables),
      (pieces, jax.random.split(key, count)),
  )
  weight = weights.sum()
  grads, metrics = jax.tree.map(lambda x: x / jnp.maximum(weight, 1.0), total)
  return grads, metrics | {'weight': weight}, mutables


def _split(name: str, rows: Array, count: int) -> Array:
  """Every count-th row to the same piece: rows stay where they are sharded."""
  if name in SHARED:
    return jnp.broadcast_to(rows[None], (count, *rows.shape))
  if len(rows) % count:
    raise UserError(
        f'A batch of {len(rows)} rows ({name}) does not divide into {count}'
        ' microbatches; change the batch size or num_microbatches.'
    )
  return rows.reshape(-1, count, *rows.shape[1:]).swapaxes(0, 1)
