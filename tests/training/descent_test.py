"""Tests audiolm_jax/training/descent.py."""

import jax.numpy as jnp
import numpy as np

from audiolm_jax.training import descent


def test_what_does_not_move_keeps_every_bit():
  weights = np.random.default_rng(0).normal(size=1000).astype(np.float32)
  ema = {'frozen': jnp.asarray(weights), 'moving': jnp.zeros(3)}
  params = {'frozen': ema['frozen'], 'moving': jnp.ones(3)}
  for step in (0, 1, 10, 100, 10_000):
    ema = descent.moved_average(ema, params, jnp.int32(step), 0.999)
  np.testing.assert_array_equal(ema['frozen'], weights)


def test_a_young_average_forgets_what_it_was_at_random():
  ema, params = {'w': jnp.zeros(3)}, {'w': jnp.ones(3)}
  for step in range(100):
    ema = descent.moved_average(ema, params, jnp.int32(step), 0.999)
  assert (ema['w'] > 0.99).all()
  old = descent.moved_average(
      {'w': jnp.zeros(3)}, params, jnp.int32(100_000), 0.999
  )
  np.testing.assert_allclose(old['w'], 1e-3, rtol=1e-4)
