"""Tests data/shipped/salamander.py on a piano of sine waves."""

import numpy as np
import pytest

from audiolm_jax.adapters.performance import Performance
from data.shipped import salamander

RATE = 16000


@pytest.fixture(scope='module')
def piano():
  """Three layers; a louder layer has an overtone more, and all decay."""
  time = np.arange(9 * RATE) / RATE
  layers = []
  for overtones in (1, 2, 3):
    keys = np.zeros((88, len(time)), np.float16)
    for pitch in (60, 64, 100):
      hertz = 440 * 2 ** ((pitch - 69) / 12)
      sound = sum(
          np.sin(2 * np.pi * hertz * n * time) for n in range(1, overtones + 1)
      )
      keys[pitch - 21] = 0.3 * sound * np.exp(-time)
    layers.append(keys)
  return salamander.Piano(np.stack(layers))


def play(piano, *notes, pedal=()):
  return salamander.play(
      piano,
      Performance(np.array(notes, float), np.array(pedal).reshape(-1, 2)),
  )


def level(waveform, start, end):
  return np.sqrt(np.mean(waveform[int(start * RATE) : int(end * RATE)] ** 2))


def test_silence_until_the_key_goes_down(piano):
  waveform = play(piano, (0.5, 1.0, 60, 80))
  assert level(waveform, 0.0, 0.499) == 0
  assert level(waveform, 0.5, 0.6) > 0.01


def test_damper_ends_the_note_and_the_pedal_lifts_it(piano):
  short = play(piano, (0, 0.5, 60, 80), (2.9, 3.0, 64, 80))
  held = play(piano, (0, 0.5, 60, 80), (2.9, 3, 64, 80), pedal=[(0.1, 2.0)])
  assert level(short, 1.5, 2.0) < 0.01 * level(short, 0.0, 0.5)
  assert level(held, 1.5, 2.0) > 0.1 * level(held, 0.0, 0.5)


def test_top_keys_have_no_damper(piano):
  low, high = (
      play(piano, (0, 0.2, pitch, 80), (2.9, 3.0, 64, 80))
      for pitch in (60, 100)
  )
  assert level(high, 0.8, 1.0) > 10 * level(low, 0.8, 1.0)


def test_harder_is_louder_and_brighter(piano):
  waveform = play(piano, (0, 1, 60, 30), (3, 4, 60, 120))
  soft, hard = waveform[: RATE // 2], waveform[3 * RATE : 3 * RATE + RATE // 2]
  assert level(hard, 0, 0.5) > 1.5 * level(soft, 0, 0.5)
  brightness = []
  for sound in (soft, hard):
    power = np.abs(np.fft.rfft(sound)) ** 2
    brightness.append((power * np.arange(len(power))).sum() / power.sum())
  assert brightness[1] > 1.2 * brightness[0]


def test_every_piece_is_equally_loud(piano):
  for velocity in (20, 110):
    waveform = play(piano, (0, 3, 60, velocity), (1, 4, 64, velocity))
    assert level(waveform, 0, 99) == pytest.approx(0.07, rel=1e-3)


def test_keys_a_piano_lacks_are_not_played(piano):
  waveform = play(piano, (0, 1, 60, 80), (2, 3, 10, 80), (2, 3, 120, 80))
  assert level(waveform, 2.0, 3.0) < 0.01 * level(waveform, 0.0, 1.0)
