"""Tests of the causal convolutions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from audiolm_jax.soundstream import layers
from audiolm_jax.training.state import unbox


@pytest.mark.parametrize('dilation', [1, 3, 9])
@pytest.mark.parametrize('stride', [1, 2, 5])
def test_conv_ignores_the_future(stride, dilation):
  layer = layers.CausalConv(3, 2 * stride + 1, stride, dilation)
  x = jax.random.normal(jax.random.key(0), (2, 20 * stride, 4))
  params = layer.init(jax.random.key(1), x)
  y = layer.apply(params, x)
  changed = layer.apply(params, x.at[:, 8 * stride :].add(1.0))
  assert y.shape == (2, 20, 3)
  np.testing.assert_array_equal(y[:, :8], changed[:, :8])
  assert jnp.abs(y[:, 8:] - changed[:, 8:]).min() > 0


def test_past_is_zeros():
  layer = layers.CausalConv(3, kernel_size=7)
  x = jax.random.normal(jax.random.key(0), (1, 10, 4))
  params = layer.init(jax.random.key(1), x)
  silence = jnp.pad(x, ((0, 0), (6, 0), (0, 0)))
  np.testing.assert_allclose(
      layer.apply(params, x), layer.apply(params, silence)[:, 6:], atol=1e-6
  )


@pytest.mark.parametrize('stride', [2, 5])
def test_transpose_is_the_transposed_convolution(stride):
  layer = layers.CausalConvTranspose(3, stride)
  x = jax.random.normal(jax.random.key(0), (2, 6, 4))
  params = unbox(layer.init(jax.random.key(1), x))
  # Tap 1 of a frame makes its own samples, tap 0 those of the next frame.
  kernel = params['params']['kernel'].reshape(2, 4, stride, 3)
  kernel = jnp.moveaxis(kernel[::-1], 1, 2).reshape(2 * stride, 4, 3)
  expected = lax.conv_general_dilated(
      x,
      kernel[::-1],
      window_strides=(1,),
      padding=[(2 * stride - 1, stride - 1)],
      lhs_dilation=(stride,),
      dimension_numbers=('NWC', 'WIO', 'NWC'),
  )
  np.testing.assert_allclose(layer.apply(params, x), expected, atol=1e-5)


def test_unit_is_the_identity_without_its_branch():
  unit = layers.ResidualUnit(dilation=3)
  x = jax.random.normal(jax.random.key(0), (2, 12, 8))
  params = unbox(unit.init(jax.random.key(1), x))
  np.testing.assert_array_equal(
      unit.apply(jax.tree.map(jnp.zeros_like, params), x), x
  )


def test_activation_comes_before_the_convolution():
  unit = layers.ResidualUnit(dilation=1)
  x = jnp.full((1, 12, 8), -50.0)
  params = unit.init(jax.random.key(1), x)
  # ELU of both is -1: what comes after it cannot tell them apart.
  branch, other = (unit.apply(params, v) - v for v in (x, x - 50))
  np.testing.assert_allclose(branch, other, atol=1e-4)
  assert jnp.abs(branch).max() > 1e-3
