"""Strict arithmetic and four CPU devices for every test."""

import jax

jax.config.update('jax_numpy_rank_promotion', 'raise')
jax.config.update('jax_num_cpu_devices', 4)
