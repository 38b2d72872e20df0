"""Loudness of a clip's windows, and whether there is anything to hear."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int

# Root mean square of the loud windows that a classifier hears, re full scale.
_LEVEL_DB = -20.0
_QUIETEST_DB = -84.0  # Two steps of 16 bits.
_BELOW_DB = (
    25.0  # A window softer by more than that than the loud ones is none.
)
_LOUD = 90  # Percentile of the windows.
_FRAME_SECONDS = 0.025
# Speech and music rise and fall by more than that; hiss and hum do not.
_STEADY_DB = 6.0
_SOFT_DB = -50.0
_FLAT = 0.5  # Geometric over arithmetic mean of a spectrum; 1 is white.
_CHUNK = 256


def of_windows(
    waveform: Float[np.ndarray, ' N'],
    starts: Int[np.ndarray, ' W'],
    window: int,
) -> Float[np.ndarray, ' W']:
  """Returns the level of each window in dB re full scale."""
  powers = np.array(
      [np.mean(np.square(waveform[at : at + window])) for at in starts]
  )
  return 10 * np.log10(powers + 1e-12)


def least(decibels: Float[np.ndarray, ' W']) -> float:
  """Returns the level of windows below which others are pauses."""
  return float(np.percentile(decibels, _LOUD)) - _BELOW_DB


def gain(decibels: Float[np.ndarray, ' W']) -> np.float32:
  """Returns the factor that brings loud windows to the level of training."""
  return np.float32(10 ** ((_LEVEL_DB - np.percentile(decibels, _LOUD)) / 20))


def why_nothing(
    waveform: Float[np.ndarray, ' N'],
    decibels: Float[np.ndarray, ' W'],
    sample_rate: int,
) -> str | None:
  """Returns why there is nothing to hear, or None if there is something."""
  loud = np.percentile(decibels, _LOUD)
  if loud < _QUIETEST_DB:
    return 'there is nothing to hear'
  frames = list(_frames(waveform, round(_FRAME_SECONDS * sample_rate)))
  if frames and _range_db(frames) < _STEADY_DB:
    if loud < _SOFT_DB or _flatness(frames) > _FLAT:
      return 'there is nothing to hear but noise'
  return None


def _frames(
    waveform: Float[np.ndarray, ' N'], length: int
) -> Iterator[Float[np.ndarray, 'B N']]:
  """Frames one after the other, some hundred at a time."""
  for at in range(0, len(waveform) - length + 1, length * _CHUNK):
    chunk = waveform[at : at + length * _CHUNK]
    yield chunk[: len(chunk) // length * length].reshape(-1, length)


def _range_db(frames: list[Float[np.ndarray, '_ N']]) -> float:
  powers = np.concatenate([np.square(f).mean(axis=1) for f in frames])
  quiet, loud = np.percentile(10 * np.log10(powers + 1e-12), [5, 95])
  return float(loud - quiet)


def _flatness(frames: list[Float[np.ndarray, '_ N']]) -> float:
  """Flatness of the mean spectrum, without its first and last line."""
  spectrum = np.mean(
      [np.square(np.abs(np.fft.rfft(f))).mean(axis=0) for f in frames], axis=0
  )
  inner = spectrum[1:-1] + 1e-20
  return float(np.exp(np.log(inner).mean()) / inner.mean())
