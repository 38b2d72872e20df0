"""Tests audiolm_jax/training/optimizers.py."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from audiolm_jax.errors import UserError
from audiolm_jax.training import optimizers


@pytest.mark.parametrize(
    'schedule, points',
    [
        (optimizers.constant(3e-4), {0: 3e-4, 10**6: 3e-4}),
        (optimizers.constant(1.0, 10), {0: 0.0, 5: 0.5, 10: 1.0, 99: 1.0}),
        (optimizers.rsqrt(), {0: 0.01, 10_000: 0.01, 40_000: 0.005}),
        (
            optimizers.rsqrt_with_ramp(2e-3, 25_000),
            {0: 0.0, 12_500: 1e-3, 25_000: 2e-3, 100_000: 1e-3},
        ),
        (
            optimizers.cosine(1.0, 10, 110, final_fraction=0.1),
            {0: 0.0, 5: 0.5, 10: 1.0, 60: 0.55, 110: 0.1, 500: 0.1},
        ),
        (
            optimizers.trapezoid(1.0, 10, 200, 0.25, final_fraction=0.1),
            {0: 0.0, 5: 0.5, 10: 1.0, 150: 1.0, 175: 0.55, 200: 0.1, 999: 0.1},
        ),
    ],
)
def test_schedule_passes_through_known_points(schedule, points):
  for step, rate in points.items():
    np.testing.assert_allclose(schedule(jnp.int32(step)), rate, rtol=1e-5)


def test_a_warm_up_that_leaves_no_step_is_refused():
  with pytest.raises(UserError, match='100 steps of warm-up leave none of 20'):
    optimizers.cosine(1.0, 100, 20)


def test_a_trapezoid_with_more_steps_is_the_same_before_the_descent():
  short, long = (optimizers.trapezoid(1.0, 10, n, 0.2) for n in (100, 1000))
  steps = jnp.arange(80)
  np.testing.assert_array_equal(short(steps), long(steps))
  with pytest.raises(UserError, match='90 steps of warm-up do not fit'):
    optimizers.trapezoid(1.0, 90, 100, 0.2)


@pytest.mark.parametrize(
    'clip_norm, moment', [(2.0, [0.12, 0.16]), (np.inf, [0.3, 0.4])]
)
def test_gradients_are_clipped_by_their_global_norm(clip_norm, moment):
  tx = optimizers.adam(1.0, b1=0.9, clip_norm=clip_norm)
  params = {'a': jnp.ones(1), 'b': jnp.ones(1)}
  grads = {'a': jnp.full(1, 3.0), 'b': jnp.full(1, 4.0)}
  _, state = tx.update(grads, tx.init(params), params)
  mu = optax.tree.get(state, 'mu')
  np.testing.assert_allclose([mu['a'][0], mu['b'][0]], moment, rtol=1e-5)


def test_only_kernels_decay():
  tx = optimizers.adam(0.1, weight_decay=0.5)
  params = {'kernel': jnp.ones(2), 'bias': jnp.ones(2), 'scale': jnp.ones(2)}
  grads = jax.tree.map(jnp.zeros_like, params)
  updates, _ = tx.update(grads, tx.init(params), params)
  np.testing.assert_allclose(updates['kernel'], -0.05)
  assert not updates['bias'].any() and not updates['scale'].any()


def test_adafactor_steps_by_the_size_of_its_parameter():
  tx = optimizers.adafactor(0.01, clip_norm=np.inf)
  params = {'small': jnp.full((4, 4), 0.1), 'large': jnp.full((4, 4), 10.0)}
  grads = jax.tree.map(lambda leaf: jnp.full_like(leaf, 3.0), params)
  updates, _ = tx.update(grads, tx.init(params), params)
  np.testing.assert_allclose(updates['small'], -0.001, rtol=1e-4)
  np.testing.assert_allclose(updates['large'], -0.1, rtol=1e-4)


def test_adafactor_keeps_rows_and_columns_of_large_kernels():
  params = {'kernel': jnp.ones((128, 256))}
  state = optimizers.adafactor(1.0).init(params)
  assert sum(leaf.size for leaf in jax.tree.leaves(state)) < 500
