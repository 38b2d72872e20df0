"""Rewrites for XLA:CPU are the operations that they stand for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from jax import lax

from audiolm_jax.nn import cpu


@pytest.mark.parametrize(
    'size, stride, groups, length',
    [(41, 4, 4, 64), (5, 1, 2, 9), (6, 4, 1, 31)],
)
def test_grouped_conv_is_the_grouped_convolution(size, stride, groups, length):
  x = jax.random.normal(jax.random.key(0), (2, length, 4 * groups))
  kernel = jax.random.normal(jax.random.key(1), (size, 4, 3 * groups))
  past, future = (size - 1) // 2, size // 2
  # The last window may hang over what the first padding left.
  expected = lax.conv_general_dilated(
      x,
      kernel,
      window_strides=(stride,),
      padding=[(past, future + stride - 1)],
      dimension_numbers=('NWC', 'WIO', 'NWC'),
      feature_group_count=groups,
  )
  y = cpu.grouped_conv(x, kernel, stride)
  assert y.shape[1] == -(-length // stride)
  np.testing.assert_allclose(y, expected[:, : y.shape[1]], atol=1e-4)


@pytest.mark.parametrize('taps, length', [(7, 20), (5, 5), (1, 3)])
def test_depthwise_conv_is_a_convolution_of_as_many_groups(taps, length):
  x = jax.random.normal(jax.random.key(0), (2, length, 6))
  kernel = jax.random.normal(jax.random.key(1), (taps, 6))
  expected = lax.conv_general_dilated(
      x,
      kernel[:, None],
      window_strides=(1,),
      padding='VALID',
      dimension_numbers=('NWC', 'WIO', 'NWC'),
      feature_group_count=6,
  )
  y = cpu.depthwise_conv(x, kernel)
  np.testing.assert_allclose(y, expected, atol=1e-5)


@pytest.mark.parametrize('shape', [(5,), (2, 5), (2, 3, 5)])
def test_dense_is_the_product_over_the_last_axis(shape):
  x = jax.random.normal(jax.random.key(0), shape)
  kernel = jax.random.normal(jax.random.key(1), (5, 4))
  np.testing.assert_allclose(cpu.dense(x, kernel), x @ kernel, atol=1e-5)


def test_elu_and_its_gradient_are_flax():
  x = jnp.linspace(-30, 30, 601)
  np.testing.assert_allclose(cpu.elu(x), nn.elu(x), atol=2e-7)
  np.testing.assert_allclose(
      jax.vmap(jax.grad(cpu.elu))(x[x != 0]),
      jax.vmap(jax.grad(nn.elu))(x[x != 0]),
      atol=2e-7,
  )


def test_argmax_is_the_first_of_equal_maxima():
  # So few values that most rows have several maxima.
  scores = np.random.default_rng(0).integers(-2, 3, (20, 25, 9))
  best = cpu.argmax(jnp.asarray(scores, jnp.float32))
  np.testing.assert_array_equal(best, scores.argmax(axis=-1))
