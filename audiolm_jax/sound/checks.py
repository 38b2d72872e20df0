"""Checks of samples before anything is computed from them."""

import os
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from audiolm_jax.errors import UserError

# Full scale is 1. Float files may exceed it, but not by 36 dB.
_LOUDEST = 64.0
_INTEGERS = {16: 2**15, 24: 2**23, 32: 2**31}


def checked(
    blocks: Iterator[Float[np.ndarray, 'N C']], path: str | os.PathLike
) -> Iterator[Float[np.ndarray, 'N C']]:
  """Passes blocks on.

  Raises:
    UserError: Samples are NaN, infinite or in the range of integers.
  """
  for block in blocks:
    low, high = block.min(initial=0.0), block.max(initial=0.0)
    peak = max(-low, high)  # NaN stays NaN.
    if not np.isfinite(peak):
      raise UserError(f'{path} holds samples that are NaN or infinite.')
    if peak > _LOUDEST:
      raise UserError(_too_loud(path, float(peak)))
    yield block


def _too_loud(path: str | os.PathLike, peak: float) -> str:
  bits = next((b for b, top in _INTEGERS.items() if peak <= top * 1.01), 32)
  return (
      f'{path} holds float samples of up to {peak:g}, where full scale is 1;'
      f' they look like integers of {bits} bits: divide them by'
      f' {_INTEGERS[bits]}, or write them as integers.'
  )
