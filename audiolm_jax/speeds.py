"""Clips that are played faster or slower, which gives them another voice."""

import numpy as np
from jaxtyping import Float

from audiolm_jax import audio
from audiolm_jax.errors import UserError


def parse(text: str) -> float:
  """A speed as a flag says it.

  Raises:
    UserError: The text is no number from 0.5 to 2.
  """
  try:
    speed = float(text)
  except ValueError:
    speed = 0.0
  if not 0.5 <= speed <= 2.0:
    raise UserError(f'{text!r} is no speed, which is a number from 0.5 to 2.')
  return speed


def played(
    waveform: Float[np.ndarray, ' N'], speed: float, sample_rate: int
) -> Float[np.ndarray, ' N2']:
  """The waveform with pitch, formants and tempo `speed` times as high."""
  return audio.Sound(waveform, round(sample_rate * speed)).at(sample_rate)
