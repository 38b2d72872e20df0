"""The old place of `audiolm_jax.generation.audiolm`, for one more release."""

import warnings
from typing import Any

from audiolm_jax.generation import audiolm, beginnings


def __getattr__(name: str) -> Any:
  place = beginnings if name in ('keep_prompt', 'begin_with') else audiolm
  value = getattr(place, name)
  warnings.warn(
      f'{__name__}.{name} is {place.__name__}.{name} now.',
      DeprecationWarning,
      stacklevel=2,
  )
  return value
