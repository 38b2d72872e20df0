"""Tests of the gradient balancer."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audiolm_jax.soundstream import balancer


def gradient(seed, scale=1.0, rows=2, samples=64):
  return scale * jax.random.normal(jax.random.key(seed), (rows, samples))


@pytest.mark.parametrize('rows, samples', [(1, 10), (3, 10), (3, 1000)])
def test_mean_absolute_error_has_norm_one(rows, samples):
  output = gradient(0, rows=rows, samples=samples)
  sign = jax.grad(lambda x: jnp.abs(x).mean())(output)
  np.testing.assert_allclose(balancer.norm(sign), 1.0, rtol=1e-5)


@pytest.mark.parametrize('scale', [1e-6, 1.0, 1e6])
def test_weights_decide_and_the_size_of_a_loss_does_not(scale):
  gradients = {'a': gradient(0, scale), 'b': gradient(1)}
  averages = balancer.update(balancer.empty('ab'), gradients, 0.99)
  for name, weight in (('a', 3.0), ('b', 0.5)):
    part = balancer.balance(
        {name: gradients[name]}, averages, {'a': 3.0, 'b': 0.5}
    )
    np.testing.assert_allclose(balancer.norm(part), weight, rtol=1e-4)


def test_balanced_gradient_is_the_sum_of_its_parts():
  gradients = {'a': gradient(0), 'b': gradient(1)}
  weights = {'a': 3.0, 'b': 0.5}
  averages = balancer.update(balancer.empty('ab'), gradients, 0.99)
  parts = [
      balancer.balance({k: g}, averages, weights) for k, g in gradients.items()
  ]
  whole = balancer.balance(gradients, averages, weights)
  np.testing.assert_allclose(whole, sum(parts), rtol=1e-5)


def test_average_of_equal_norms_is_unbiased_from_the_start():
  averages = balancer.empty('a')
  for _ in range(5):
    averages = balancer.update(averages, {'a': gradient(0)}, 0.9)
    mean = averages['a'].total / averages['a'].weight
    np.testing.assert_allclose(mean, balancer.norm(gradient(0)), rtol=1e-5)


def test_zero_gradients_leave_the_average_alone():
  averages = balancer.update(balancer.empty('a'), {'a': gradient(0)}, 0.9)
  later = averages
  for _ in range(10):
    later = balancer.update(later, {'a': jnp.zeros((2, 64))}, 0.9)
  np.testing.assert_allclose(
      later['a'].total / later['a'].weight,
      averages['a'].total / averages['a'].weight,
      rtol=1e-5,
  )


def test_what_was_never_seen_pulls_nothing():
  zero = {'a': jnp.zeros((2, 64))}
  averages = balancer.update(balancer.empty('a'), zero, 0.9)
  assert jnp.abs(balancer.balance(zero, averages, {'a': 1.0})).max() == 0
