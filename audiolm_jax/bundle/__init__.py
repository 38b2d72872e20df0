"""A model one can hand over: its parts, and the folder that holds them."""

import importlib
import warnings
from typing import Any

# Names that stood here while this was a file; one more release finds them.
_HOMES = {
    'Bundle': 'bundle',
    'LanguageModel': 'predictors',
    'ParallelModel': 'predictors',
    'load_tokenizers': 'bundle',
}


def __getattr__(name: str) -> Any:
  if name not in _HOMES:
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
  home = f'{__name__}.{_HOMES[name]}'
  warnings.warn(
      f'{__name__}.{name} is {home}.{name} now.',
      DeprecationWarning,
      stacklevel=2,
  )
  return getattr(importlib.import_module(home), name)
