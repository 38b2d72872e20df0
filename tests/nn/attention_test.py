"""Tests `attention.py` and `dot_product.py` of audiolm_jax/nn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolm_jax.nn import dot_product
from audiolm_jax.nn.attention import (
    MultiHeadAttention,
    RelativePositionBias,
    relative_position_bucket,
)
from audiolm_jax.training.state import unbox

ATTENTION = MultiHeadAttention(num_heads=2, head_dim=4, dropout_rate=0.5)


def bucket(distance: int, bidirectional: bool) -> int:
  relative = jnp.array([[distance]])
  return int(relative_position_bucket(relative, bidirectional)[0, 0])


@pytest.mark.parametrize(
    ('distance', 'bidirectional', 'expected'),
    [
        (0, True, 0),
        (-7, True, 7),
        (7, True, 23),
        (-8, True, 8),
        (-40, True, 12),
        (40, True, 28),
        (-127, True, 15),
        (-5000, True, 15),
        (5000, True, 31),
        (3, False, 0),
        (-15, False, 15),
        (-16, False, 16),
        (-40, False, 23),
        (-128, False, 31),
    ],
)
def test_buckets_are_those_of_t5(distance, bidirectional, expected):
  assert bucket(distance, bidirectional) == expected


@given(st.integers(-5000, 5000), st.integers(1, 50), st.booleans())
def test_farther_never_means_a_lower_bucket(distance, more, bidirectional):
  farther = distance + more if distance > 0 else distance - more
  assert bucket(farther, bidirectional) >= bucket(distance, bidirectional)


def test_bias_depends_on_the_distance_only():
  module = RelativePositionBias(num_heads=2)
  positions = jnp.arange(20)
  params = unbox(module.init(jax.random.key(0), positions, positions))
  here = module.apply(params, positions, positions)
  there = module.apply(params, positions + 77, positions + 77)
  np.testing.assert_array_equal(here, there)
  assert not np.allclose(here, here.swapaxes(2, 3))


def draw(seed: int, *shape: int):
  return jax.random.normal(jax.random.key(seed), shape)


def heads(num_biases=1):
  """Queries, keys, values, biases and a mask without an order."""
  mask = draw(4, 3, 12, 12) > 0
  mask |= jnp.eye(12, dtype=bool)[None]
  return (
      *(draw(seed, 3, 2, 12, 4) for seed in range(3)),
      draw(3, num_biases, 2, 12, 12),
      mask,
  )


def softmax_attention(q, k, v, bias, mask):
  scores = jnp.einsum('bhle,bhse->bhls', q, k) / 2
  scores += bias.repeat(len(q) // len(bias), axis=0)
  weights = jax.nn.softmax(jnp.where(mask[:, None], scores, -jnp.inf))
  return jnp.einsum('bhls,bhse->bhle', weights, v)


@pytest.mark.parametrize('num_biases', [1, 3])
def test_attention_is_a_softmax_of_scaled_and_biased_scores(num_biases):
  arrays = heads(num_biases)
  np.testing.assert_allclose(
      dot_product.attend(*arrays), softmax_attention(*arrays), atol=1e-5
  )


@pytest.mark.parametrize('num_biases', [1, 3])
def test_gradients_are_those_of_autodiff(num_biases):
  *arrays, mask = heads(num_biases)
  pull = draw(5, 3, 2, 12, 4)

  def gradients(attend):
    loss = lambda *args: (pull * attend(*args, mask)).sum()  # noqa: E731
    return jax.grad(loss, argnums=(0, 1, 2, 3))(*arrays)

  for ours, theirs in zip(
      gradients(dot_product.attend), gradients(softmax_attention), strict=True
  ):
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_scores_far_from_zero_stay_finite():
  q, k, v, bias, mask = heads()
  y = dot_product.attend(1e4 * q, k, v, bias - 1e6, mask)
  assert np.isfinite(y).all()


def layer():
  """Input, bias, causal mask, and parameters of ATTENTION."""
  x, bias = draw(0, 3, 12, 8), draw(1, 1, 2, 12, 12)
  mask = jnp.tri(12, dtype=bool)[None].repeat(3, axis=0)
  return x, bias, mask, unbox(ATTENTION.init(jax.random.key(2), x, bias, mask))


def test_blocks_of_queries_save_work_and_change_nothing():
  x, bias, mask, params = layer()
  whole = ATTENTION.apply(params, x, bias, mask)
  biases = [bias[..., :5, :5], bias[..., 5:10, :10], bias[..., 10:, :]]
  blocks = ATTENTION.apply(params, x, biases, mask)
  np.testing.assert_allclose(blocks, whole, atol=1e-5)


def test_dropout_drops_a_key_for_all_queries_and_keeps_the_mean():
  *arrays, params = layer()

  def run(seed):
    rngs = {'dropout': jax.random.key(seed)}
    apply = ATTENTION.apply
    return apply(params, *arrays, deterministic=False, rngs=rngs)

  outputs = jax.vmap(run)(jnp.arange(2000))
  plain = ATTENTION.apply(params, *arrays)
  np.testing.assert_allclose(outputs.mean(0), plain, atol=0.1)
  # The first place sees itself only: each head's value is there twice or not.
  assert len(np.unique(outputs[:, 0, 0].round(4), axis=0)) == 4
