"""Strict arithmetic and eight CPU devices for every test."""

import os

# Most tests compile more than they compute, and the emitters that XLA:CPU has
# for fusions take half as long again to compile as those it had before. What
# tests start inherits it.
_EMITTERS = '--xla_cpu_use_fusion_emitters=false'
os.environ['XLA_FLAGS'] = f'{os.environ.get("XLA_FLAGS", "")} {_EMITTERS}'

import jax  # noqa: E402
import pytest  # noqa: E402

jax.config.update('jax_numpy_rank_promotion', 'raise')
jax.config.update('jax_num_cpu_devices', 8)
jax.config.update('jax_disable_most_optimizations', True)


@pytest.fixture
def optimized():
  """Lets a test that computes for long have fast programs."""
  jax.config.update('jax_disable_most_optimizations', False)
  yield
  jax.config.update('jax_disable_most_optimizations', True)
