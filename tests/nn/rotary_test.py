"""Tests audiolm_jax/nn/rotary.py."""

import jax
import jax.numpy as jnp
import numpy as np

from audiolm_jax.nn import attention, rotary

KEY = jax.random.key(0)


def test_products_depend_on_distance_alone():
  q, k = jax.random.normal(KEY, (2, 1, 2, 1, 8))

  def product(at, to):
    turned = [
        rotary.rotate(x, jnp.array([place])) for x, place in ((q, at), (k, to))
    ]
    return (turned[0] * turned[1]).sum(axis=-1)

  np.testing.assert_allclose(product(3, 10), product(40, 47), atol=1e-4)
  assert jnp.abs(product(3, 10) - product(3, 11)).max() > 1e-2
  assert jnp.abs(product(3, 10) - product(10, 3)).max() > 1e-2
  np.testing.assert_allclose(product(5, 5), (q * k).sum(axis=-1), atol=1e-5)


def test_turning_keeps_the_length():
  x = jax.random.normal(KEY, (2, 3, 7, 6))
  turned = rotary.rotate(x, jnp.arange(7))
  np.testing.assert_allclose(
      jnp.square(turned).sum(-1), jnp.square(x).sum(-1), rtol=1e-5
  )


def test_parameters_are_those_of_attention_with_a_bias():
  x, mask = jnp.zeros((1, 4, 8)), jnp.ones((1, 4, 4), bool)
  bias = jnp.zeros((1, 2, 4, 4))
  ours = rotary.RotaryAttention(2, 4).init(KEY, x, mask)
  theirs = attention.MultiHeadAttention(2, 4).init(KEY, x, bias, mask)
  jax.tree.map(np.testing.assert_array_equal, ours, theirs)


def test_what_is_masked_is_not_seen():
  x = jax.random.normal(KEY, (1, 6, 8))
  layer = rotary.RotaryAttention(2, 4)
  mask = jnp.broadcast_to(jnp.arange(6) < 4, (1, 6, 6))
  variables = layer.init(KEY, x, mask)
  found = layer.apply(variables, x, mask)
  short = layer.apply(variables, x[:, :4], mask[:, :4, :4])
  np.testing.assert_allclose(found[:, :4], short, atol=1e-6)
  changed = layer.apply(variables, x.at[:, 4:].set(7.0), mask)
  np.testing.assert_array_equal(changed[:, :4], found[:, :4])
