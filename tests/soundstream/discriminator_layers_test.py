"""Tests of what the discriminators are made of."""

import jax
import numpy as np
import pytest
from jax import lax

from audiolm_jax.soundstream import discriminator_layers
from audiolm_jax.training.state import unbox


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
  y = discriminator_layers.grouped_conv(x, kernel, stride)
  assert y.shape[1] == -(-length // stride)
  np.testing.assert_allclose(y, expected[:, : y.shape[1]], atol=1e-4)


def test_scale_is_the_length_of_a_kernel():
  conv = discriminator_layers.WeightNormConv(3, 5)
  x = jax.random.normal(jax.random.key(0), (2, 20, 4))
  variables = unbox(conv.init(jax.random.key(1), x))
  params = variables['params']
  longer = params | {'kernel': 7 * params['kernel']}
  louder = params | {'scale': 2 * params['scale']}
  y = conv.apply({'params': params}, x)
  np.testing.assert_allclose(
      conv.apply({'params': longer}, x), y, rtol=1e-4, atol=1e-5
  )
  np.testing.assert_allclose(
      conv.apply({'params': louder}, x), 2 * y, rtol=1e-4, atol=1e-5
  )
