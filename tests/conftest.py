"""Strict arithmetic and eight CPU devices for every test."""

import jax
import pytest

jax.config.update('jax_numpy_rank_promotion', 'raise')
jax.config.update('jax_num_cpu_devices', 8)
# Most tests compile more than they compute.
jax.config.update('jax_disable_most_optimizations', True)


@pytest.fixture
def optimized():
  """Lets a test that computes for long have fast programs."""
  jax.config.update('jax_disable_most_optimizations', False)
  yield
  jax.config.update('jax_disable_most_optimizations', True)
