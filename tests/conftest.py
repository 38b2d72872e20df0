"""Strict arithmetic and four CPU devices for every test."""

import os

# Tests compile more than they compute. The processes they start inherit it.
os.environ.setdefault('XLA_FLAGS', '--xla_backend_optimization_level=0')

import jax  # noqa: E402

jax.config.update('jax_numpy_rank_promotion', 'raise')
jax.config.update('jax_num_cpu_devices', 4)
