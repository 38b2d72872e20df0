"""Tests audiolm_jax/classifier/distortions.py."""

import numpy as np
import pytest

from audiolm_jax.classifier import distortions
from audiolm_jax.classifier.distortions import Chance

RATE = 16000


@pytest.fixture(name='sound', scope='module')
def fixture_sound():
  """A tone that glides to 5 kHz: something at every frequency."""
  time = np.arange(RATE) / RATE
  wave = 0.4 * np.sin(2 * np.pi * (100 * time + 2500 * time**2))
  return wave.astype(np.float32)


def draws(seed=0):
  return np.random.default_rng(seed)


def correlation(one, other):
  return np.corrcoef(one[2000:-2000], other[2000:-2000])[0, 1]


@pytest.mark.parametrize('name', distortions.EVALUATED)
def test_each_keeps_length_and_place_and_follows_its_draws(name, sound):
  apply = distortions.EVALUATED[name]
  once, again = (apply(sound, RATE, draws()) for _ in range(2))
  np.testing.assert_array_equal(once, again)
  assert once.shape == sound.shape and once.dtype == np.float32
  assert not np.array_equal(once, sound)
  # A codec that cuts at 4 kHz loses the end of the glide.
  half = slice(None, RATE // 2)
  assert correlation(once[half], sound[half]) > 0.9


def test_noise_is_as_loud_as_was_asked_for(sound):
  added = distortions.noise(20.0, 20.0)(sound, RATE, draws()) - sound
  ratio = np.mean(sound**2) / np.mean(added**2)
  assert 10 * np.log10(ratio) == pytest.approx(20, abs=0.1)


def test_gain_is_in_decibels_and_stays_within_full_scale(sound):
  louder = distortions.gain(6.0, 6.0)(sound, RATE, draws())
  np.testing.assert_allclose(louder, sound * 10**0.3, rtol=1e-5)
  assert abs(distortions.gain(20.0, 20.0)(sound, RATE, draws())).max() == 1


def test_resampling_leaves_nothing_above_half_the_rate(sound):
  low = distortions.resampled(8000.0, 8000.0)(sound, RATE, draws())
  power = abs(np.fft.rfft(low)) ** 2
  assert power[4200:].sum() < 1e-3 * power.sum()
  power = abs(np.fft.rfft(sound)) ** 2
  assert power[4200:].sum() > 0.05 * power.sum()


def test_a_chance_is_taken_as_often_as_it_says(sound):
  def silence(waveform, rate, draws):
    return 0 * waveform

  for probability, least, most in ((0.0, 0, 0), (0.3, 15, 45), (1.0, 100, 100)):
    chances = [Chance(probability, silence)]
    silent = [
        not distortions.augmented(sound, RATE, draws(i), chances).any()
        for i in range(100)
    ]
    assert least <= sum(silent) <= most
