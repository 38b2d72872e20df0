"""Ways to choose an id from its logits."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from audiolm_jax.errors import UserError


class Sampling(NamedTuple):
  """AudioLM samples at a temperature alone (s. IV-B).

  Attributes:
    temperature: 0 takes the most likely id.
    top_k: Only so many likeliest ids may be chosen, and those as likely as the
      last of them; 0 for all.
    top_p: Only the likeliest of these that have this probability together, at
      the temperature; 1 for all.
  """

  temperature: float = 1.0
  top_k: int = 0
  top_p: float = 1.0

  def check(self) -> 'Sampling':
    """Returns the sampling itself, if its numbers make sense.

    Raises:
      UserError: A number makes no sense.
    """
    if not 0 <= self.temperature < math.inf:
      raise UserError(
          f'A temperature is {self.temperature}; it may be 0 or more.'
      )
    if self.top_k < 0:
      raise UserError(f'A top_k is {self.top_k}; it may be 0 (all) or more.')
    if not 0 < self.top_p <= 1:
      raise UserError(f'A top_p is {self.top_p}; it is above 0, and at most 1.')
    return self


def choose(
    logits: Float[Array, 'B K'],
    keys: Key[Array, ' B'],
    temperature: Float[Array, ''],
    top_k: int,
    top_p: float,
) -> Int[Array, ' B']:
  """An index for each row, by the row's own key."""
  if 0 < top_k < logits.shape[1] or top_p < 1:
    logits = _likeliest(logits, temperature, top_k, top_p)
  # The argmax with this noise is a sample.
  noise = jax.vmap(lambda key: jax.random.gumbel(key, logits.shape[1:]))(keys)
  return (logits + temperature * noise).argmax(axis=-1)


def _likeliest(
    logits: Float[Array, 'B K'],
    temperature: Float[Array, ''],
    top_k: int,
    top_p: float,
) -> Float[Array, 'B K']:
  """Puts all but the likeliest out of reach."""
  falling = -jnp.sort(-logits, axis=-1)
  lowest = falling[:, min(top_k or falling.shape[1], falling.shape[1]) - 1]
  if top_p < 1:
    kept = jnp.where(falling >= lowest[:, None], falling, -jnp.inf)
    # What is before an id has less than top_p: the id that reaches it stays.
    odds = jax.nn.softmax(kept / jnp.maximum(temperature, 1e-6), axis=-1)
    before = jnp.cumsum(odds, axis=-1) - odds
    nucleus = jnp.where(before < top_p, kept, jnp.inf).min(axis=-1)
    lowest = jnp.maximum(lowest, nucleus)
  return jnp.where(logits >= lowest[:, None], logits, -jnp.inf)
