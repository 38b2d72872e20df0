"""Tests of what the discriminators are made of."""

import jax
import numpy as np

from audiolm_jax.soundstream import discriminator_layers
from audiolm_jax.training.state import unbox


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
