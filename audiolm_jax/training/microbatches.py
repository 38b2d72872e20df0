"""Gradients of a batch too large to be held at once, piece by piece."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray, PyTree

from audiolm_jax.errors import UserError
from audiolm_jax.training.state import Batch, Metrics

Loss = Callable[[PyTree, Batch, PRNGKeyArray], tuple[Array, Metrics]]


def gradients(
    loss: Loss, params: PyTree, batch: Batch, key: PRNGKeyArray, count: int
) -> tuple[PyTree, Metrics]:
  """Gradients and metrics of the whole batch, `count` pieces one by one.

  Pieces count as metrics['weight'] says, so that a mean over targets is that of
  the batch however they are spread. Memory holds the activations of one piece.

  Args:
    loss: (params, batch, key) -> (loss, metrics), a mean and the means it is
      made of; 'weight' is what they are over.
    params: What the gradients are of.
    batch: Rows first; what all rows share has one axis.
    key: Of the noise; every piece has its own.
    count: Pieces; 1 takes the batch as it is.

  Raises:
    UserError: The rows do not divide into as many pieces.
  """
  grad = jax.grad(loss, has_aux=True)
  if count == 1:
    return grad(params, batch, key)
  pieces = {name: _split(name, rows, count) for name, rows in batch.items()}

  def add(total, piece):
    grads, metrics = grad(params, *piece)
    weighted = jax.tree.map(lambda x: metrics['weight'] * x, (grads, metrics))
    return jax.tree.map(jnp.add, total, weighted), metrics['weight']

  first = jax.tree.map(lambda rows: rows[0], pieces)
  shapes = jax.eval_shape(grad, params, first, key)
  zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)
  total, weights = jax.lax.scan(
      add, zeros, (pieces, jax.random.split(key, count))
  )
  weight = weights.sum()
  grads, metrics = jax.tree.map(lambda x: x / jnp.maximum(weight, 1.0), total)
  return grads, metrics | {'weight': weight}


def _split(name: str, rows: Array, count: int) -> Array:
  """Every count-th row to the same piece: rows stay where they are sharded."""
  if rows.ndim == 1:
    return jnp.broadcast_to(rows[None], (count, *rows.shape))
  if len(rows) % count:
    raise UserError(
        f'A batch of {len(rows)} rows ({name}) does not divide into {count}'
        ' microbatches; change the batch size or num_microbatches.'
    )
  return rows.reshape(-1, count, *rows.shape[1:]).swapaxes(0, 1)
