"""Scaled dot-product attention with a gradient made for XLA:CPU."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


@jax.custom_vjp
def attend(
    q: Float[Array, 'B H L E'],
    k: Float[Array, 'B H S E'],
    v: Float[Array, 'B H S E'],
    bias: Float[Array, 'G H L S'],
    mask: Bool[Array, 'B L S'],
) -> Float[Array, 'B H L E']:
  """Scaled dot-product attention; softmax in float32.

  Every query has to see a key. The rows come in G groups of one bias each.
  """
  return _attend_forward(q, k, v, bias, mask)[0]


class _Attended(NamedTuple):
  """Arrays for the backward pass of attention; weights are not normalized.

  They are by group of R = B / G rows.
  """

  q: Float[Array, 'B H L E']
  k: Float[Array, 'B H S E']
  v: Float[Array, 'B H S E']
  weights: Float[Array, 'G R H L S']
  total: Float[Array, 'B H L 1']
  y: Float[Array, 'B H L E']


def _attend_forward(
    q: Float[Array, 'B H L E'],
    k: Float[Array, 'B H S E'],
    v: Float[Array, 'B H S E'],
    bias: Float[Array, 'G H L S'],
    mask: Bool[Array, 'B L S'],
) -> tuple[Float[Array, 'B H L E'], _Attended]:
  q = q / q.shape[-1] ** 0.5
  scores = _dot('bhle,bhse->bhls', q, k)
  groups = len(bias), -1, *scores.shape[1:]
  scores = (scores.reshape(groups) + bias[:, None]).reshape(scores.shape)
  scores = jnp.where(mask[:, None], scores, -jnp.inf)
  weights = jnp.exp(scores - scores.max(axis=-1, keepdims=True))
  total = weights.sum(axis=-1, keepdims=True)
  weights = weights.astype(v.dtype)
  # The sum divides the output instead of the weights, of which there are many.
  y = _dot('bhls,bhse->bhle', weights, v) / total
  weights = weights.reshape(groups)
  return y.astype(v.dtype), _Attended(q, k, v, weights, total, y)


def _attend_backward(
    saved: _Attended, grad: Float[Array, 'B H L E']
) -> tuple[Array, Array, Array, Array, None]:
  """Computes autodiff's gradient, at which XLA:CPU is three times slower.

  It transposes the left operand of products over queries, which here is the
  small one, and is slow in sums over a leading axis, which here are products.
  """
  q, k, v, weights, total, y = saved
  groups = weights.shape
  weights = weights.reshape(len(q), *groups[2:])
  grad = grad / total
  shift = (grad * y).sum(axis=-1, keepdims=True)
  grad = grad.astype(v.dtype)
  dv = _dot('bhle,bhls->bhes', grad, weights)
  dscores = weights * (_dot('bhle,bhse->bhls', grad, v) - shift)
  rows = jnp.ones((1, groups[1]), jnp.float32)
  dbias = rows @ dscores.reshape(*groups[:2], -1)
  dscores = dscores.astype(v.dtype)
  dq = _dot('bhls,bhse->bhle', dscores, k) / q.shape[-1] ** 0.5
  dk = _dot('bhle,bhls->bhes', q, dscores)
  # Keeps the compiler from swapping the operands to save these transpositions.
  dk, dv = jax.lax.optimization_barrier((dk, dv))
  dk, dv = dk.swapaxes(2, 3), dv.swapaxes(2, 3)
  dq, dk, dv = (d.astype(v.dtype) for d in (dq, dk, dv))
  return dq, dk, dv, dbias.reshape(groups[0], *groups[2:]), None


def _dot(equation: str, x: Array, y: Array) -> Array:
  return jnp.einsum(equation, x, y, preferred_element_type=jnp.float32)


attend.defvjp(_attend_forward, _attend_backward)
