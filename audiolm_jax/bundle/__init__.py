"""A model one can hand over: its parts, and the folder that holds them."""

import importlib
import warnings
from typing import Any

# What stood here while this was a file; one more release finds it here.
_MOVED = ('Bundle', 'LanguageModel', 'ParallelModel', 'load_tokenizers')


def __getattr__(name: str) -> Any:
  if name not in _MOVED:
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
  home = f'{__name__}.bundle'
  warnings.warn(
      f'{__name__}.{name} is {home}.{name} now.',
      DeprecationWarning,
      stacklevel=2,
  )
  return getattr(importlib.import_module(home), name)
