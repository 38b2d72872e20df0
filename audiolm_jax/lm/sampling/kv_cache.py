"""Keys and values that a layer keeps while ids are drawn, and their use.

Places lie next to each other: both products of attention then run along them.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


class Cache(NamedTuple):
  """A layer's keys and values; N = B * H, the heads of a row side by side."""

  keys: Float[Array, 'N E S']
  values: Float[Array, 'N E S']


def filled(
    keys: Float[Array, 'B H L E'], values: Float[Array, 'B H L E']
) -> Cache:
  """The cache of places that were computed together; S = L."""
  return Cache(_places_last(keys), _places_last(values))


def write(
    cache: Cache,
    keys: Float[Array, 'N E'],
    values: Float[Array, 'N E'],
    index: Int[Array, ''],
) -> Cache:
  """Puts the keys and values of one place into it."""
  # In the shape that attention reads: with a reshape between them, XLA copies
  # the cache instead of writing into it.
  start = (0, 0, index)
  return Cache(
      jax.lax.dynamic_update_slice(cache.keys, keys[..., None], start),
      jax.lax.dynamic_update_slice(cache.values, values[..., None], start),
  )


def attend(
    q: Float[Array, 'N E'], cache: Cache, bias: Float[Array, 'N S']
) -> Float[Array, 'N E']:
  """Scaled dot-product attention of one query a head; softmax in float32."""
  # Scores and the softmax are float32 whatever the cache is.
  q = q / q.shape[-1] ** 0.5
  scores = _dot('ne,nes->ns', q, cache.keys) + bias
  # A softmax whose division waits until S weights have become E values.
  # There is always a finite score, that of the query's own place. The greatest
  # would otherwise be -inf, and all weights NaN.
  weights = jnp.exp(scores - scores.max(axis=-1, keepdims=True))
  total = weights.sum(axis=-1, keepdims=True)
  return _dot('ns,nes->ne', weights.astype(q.dtype), cache.values) / total


def _places_last(x: Float[Array, 'B H L E']) -> Float[Array, 'N E L']:
  return jnp.swapaxes(x, 2, 3).reshape(-1, x.shape[3], x.shape[2])


def _dot(equation: str, x: Array, y: Array) -> Array:
  return jnp.einsum(equation, x, y, preferred_element_type=jnp.float32)
