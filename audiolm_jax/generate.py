"""The old place of `audiolm_jax.generation.audiolm`, for one more release."""

import warnings
from typing import Any

from audiolm_jax.generation import audiolm


def __getattr__(name: str) -> Any:
  value = getattr(audiolm, name)
  warnings.warn(
      f'{__name__}.{name} is {audiolm.__name__}.{name} now.',
      DeprecationWarning,
      stacklevel=2,
  )
  return value
