"""Compiled programs are kept between runs: the second start is a fast one."""

import jax

from audiolm_jax import cache, executables


def keep_compiled(purpose: str | None = None) -> None:
  """Lets JAX use the user's cache folder.

  Args:
    purpose: Names runs that use much the same programs; those of the last one
      are read while the caller goes on.
  """
  # JAX makes the folder; one that cannot be written costs a warning, no more.
  jax.config.update('jax_compilation_cache_dir', str(cache.folder()))
  jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.5)
  executables.keep_in(cache.folder() / 'executables', purpose)
