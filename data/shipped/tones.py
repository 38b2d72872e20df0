"""Music that nobody plays: chords and melodies of plain tones, with noises.

Games' music is of instruments, and a detector that heard nothing else takes
a chord of sines for speech.
"""

import numpy as np
from jaxtyping import Float

_LOWEST, _HIGHEST = 36, 84  # MIDI numbers: C2 to C6.
_FADE_SECONDS = 0.005
_PEAK = 0.3


def piece(
    seed: int, seconds: float, sample_rate: int
) -> Float[np.ndarray, ' N']:
  """A piece whose timbre, tempo and harmony are drawn from the seed.

  Args:
    seed: Seed of all that is drawn; the same one, the same piece.
    seconds: Length of the piece.
    sample_rate: Samples a second.
  """
  draws = np.random.default_rng(seed)
  partials = np.arange(1, draws.integers(2, 9)) ** -draws.uniform(0.5, 3.0)
  decay = draws.choice([0.0, draws.uniform(0.5, 8.0)])
  beat = draws.uniform(0.12, 1.5)
  most = draws.integers(1, 5)
  hiss = draws.choice([0.0, draws.uniform(0.01, 0.5)])
  made = np.zeros(round(seconds * sample_rate))
  for start in np.arange(0, seconds, beat):
    time = np.arange(round(draws.choice([1, 1, 2]) * beat * sample_rate))
    time = time / sample_rate
    keys = draws.integers(_LOWEST, _HIGHEST, draws.integers(1, most + 1))
    note = sum(_tone(key, partials, time) for key in keys)
    note += hiss * draws.standard_normal(len(time)) * np.exp(-20 * time)
    note *= np.exp(-decay * time) * _fades(time)
    first = round(start * sample_rate)
    made[first : first + len(note)] += note[: len(made) - first]
  return (_PEAK * made / np.abs(made).max()).astype(np.float32)


def _tone(
    key: int, partials: Float[np.ndarray, ' P'], time: Float[np.ndarray, ' T']
) -> Float[np.ndarray, ' T']:
  hertz = 440 * 2 ** ((key - 69) / 12)
  return sum(
      share * np.sin(2 * np.pi * hertz * number * time)
      for number, share in enumerate(partials, start=1)
  )


def _fades(time: Float[np.ndarray, ' T']) -> Float[np.ndarray, ' T']:
  """Rises and falls fast enough not to be heard, slowly enough not to click."""
  return np.minimum(1, np.minimum(time, time[::-1]) / _FADE_SECONDS)
