"""Tests audiolm_jax/training/optimizers.py."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

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
    ],
)
def test_schedule_passes_through_known_points(schedule, points):
  for step, rate in points.items():
    np.testing.assert_allclose(schedule(jnp.int32(step)), rate, rtol=1e-5)


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


def layers() -> list[dict[str, jax.Array]]:
  """Parameters of two layers, unlike in size, one large enough to factor."""
  keys = jax.random.split(jax.random.key(0), 2)
  return [
      {
          'kernel': scale * jax.random.normal(key, (128, 160)),
          'bias': scale * jax.random.normal(key, (5,)),
      }
      for key, scale in zip(keys, (0.1, 10.0), strict=True)
  ]


def updates_of(tx, params, num_steps=3):
  @jax.jit
  def update(step, state):
    grads = jax.tree.map(lambda leaf: jnp.cos(leaf + step), params)
    return tx.update(grads, state, params)

  state = tx.init(params)
  for step in range(num_steps):
    updates, state = update(step, state)
  return updates


def test_stacked_layers_are_scaled_like_unstacked_ones():
  tx = optimizers.adafactor(0.1, clip_norm=np.inf)
  first, second = layers()
  apart = updates_of(tx, {'first': first, 'second': second, 'head': first})
  stack = jax.tree.map(lambda *leaves: jnp.stack(leaves), first, second)
  stacked = updates_of(tx, {'layers': stack, 'head': first})
  for i, name in enumerate(('first', 'second')):
    for leaf in ('kernel', 'bias'):
      np.testing.assert_allclose(
          stacked['layers'][leaf][i], apart[name][leaf], rtol=1e-5
      )
  np.testing.assert_allclose(
      stacked['head']['kernel'], apart['head']['kernel'], rtol=1e-6
  )
  whole = updates_of(optax.adafactor(0.1), {'layers': stack})
  ratio = whole['layers']['kernel'] / stacked['layers']['kernel']
  assert abs(np.log(ratio)).max() > 0.1, 'This test could not fail.'
