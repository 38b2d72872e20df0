"""Compiled programs are kept between runs: the second start is a fast one."""

import os
import pathlib

import jax


def keep_compiled() -> None:
  """Lets JAX use the user's cache folder."""
  default = pathlib.Path.home() / '.cache'
  cache = pathlib.Path(os.environ.get('XDG_CACHE_HOME') or default)
  # JAX makes the folder; one that cannot be written costs a warning, no more.
  jax.config.update('jax_compilation_cache_dir', str(cache / 'audiolm_jax'))
  jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.5)
