"""Sounds to measure."""

import numpy as np
import pytest

SAMPLE_RATE = 16000


def harmonic_syllables(seconds: float, seed: int) -> np.ndarray:
  """Something speech-like: gliding harmonics in bursts, at 16 kHz."""
  random = np.random.default_rng(seed)
  times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
  knots = np.arange(0, seconds + 0.2, 0.2)
  pitch = np.interp(times, knots, random.uniform(100, 250, len(knots)))
  phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
  voice = np.zeros(len(times))
  for harmonic in range(1, 20):
    gains = random.exponential(1.0 / harmonic, len(knots))
    voice += np.interp(times, knots, gains) * np.sin(harmonic * phase)
  bursts = np.clip(
      np.interp(times, knots, random.normal(0.7, 0.6, len(knots))), 0, 1
  )
  return (0.1 * bursts * voice).astype(np.float32)


@pytest.fixture
def voice() -> np.ndarray:
  return harmonic_syllables(3.0, seed=0)


@pytest.fixture
def other_voice() -> np.ndarray:
  return harmonic_syllables(3.0, seed=1)


@pytest.fixture
def noise() -> np.ndarray:
  random = np.random.default_rng(2)
  return random.standard_normal(3 * SAMPLE_RATE).astype(np.float32)


def chords(pitches, onsets_per_second=2.0, seconds=4.0):
  """Chords of decaying harmonics."""
  times = np.arange(round(SAMPLE_RATE / onsets_per_second)) / SAMPLE_RATE
  chord = sum(
      np.sin(2 * np.pi * k * 440 * 2 ** ((pitch - 69) / 12) * times) / k**2
      for pitch in pitches
      for k in (1, 2, 3)
  )
  chord = 0.1 * chord * np.exp(-4 * times) * np.minimum(times / 0.003, 1)
  return np.tile(chord, round(seconds * onsets_per_second)).astype(np.float32)


@pytest.fixture
def played():
  return chords
