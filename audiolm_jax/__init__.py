"""An open, complete AudioLM in JAX: audio in, a continuation of it out."""

import importlib

__version__ = '0.2.0'
__all__ = ['AudioLM', 'Bundle']

_HOMES = {
    'AudioLM': 'audiolm_jax.generation.audiolm',
    'Bundle': 'audiolm_jax.bundle.bundle',
}


def __getattr__(name: str) -> type:
  # Importing JAX takes seconds; who only asks for the version need not wait.
  if name not in _HOMES:
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
  return getattr(importlib.import_module(_HOMES[name]), name)
