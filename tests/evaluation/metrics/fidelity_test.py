"""Tests `audiolm_jax/evaluation/metrics/fidelity.py`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolm_jax.evaluation.metrics import fidelity

SAMPLE_RATE = 16000


@pytest.mark.parametrize(
    'metric', [fidelity.MEL_DISTANCE, fidelity.SI_SNR], ids=lambda m: m.name
)
def test_more_noise_is_worse(metric, voice, noise):
  scores = [
      metric.measure(voice, voice + level * noise, SAMPLE_RATE)
      for level in (0.0, 0.001, 0.01, 0.1)
  ]
  order = sorted(scores, reverse=metric.higher_is_better)
  assert scores == order and len(set(scores)) == 4


def test_more_noise_correlates_less(voice, noise):
  scores = [
      fidelity.spectral_correlation(voice, voice + level * noise, SAMPLE_RATE)
      for level in (0.0, 0.001, 0.01, 0.1)
  ]
  assert scores == sorted(scores, reverse=True)
  assert scores[0] == pytest.approx(1.0, abs=1e-5)


def test_another_sound_of_the_same_spectrum_does_not_correlate(voice):
  other = np.roll(voice, len(voice) // 3)
  score = fidelity.spectral_correlation(voice, other, SAMPLE_RATE)
  assert abs(score) < 0.4


@settings(max_examples=20, deadline=None)
@given(
    snr=st.floats(-20, 40), gain=st.floats(0.01, 10), seed=st.integers(0, 99)
)
def test_si_snr_is_the_ratio_that_was_mixed_at_any_gain(snr, gain, seed):
  signal, noise = np.random.default_rng(seed).standard_normal((2, 4000))
  signal, noise = signal - signal.mean(), noise - noise.mean()
  noise -= (noise @ signal) / (signal @ signal) * signal
  noise *= 10 ** (-snr / 20) * np.linalg.norm(signal) / np.linalg.norm(noise)
  score = fidelity.si_snr(signal, gain * (signal + noise), SAMPLE_RATE)
  assert score == pytest.approx(snr, abs=1e-3)


def test_a_gain_of_6_db_is_a_mel_distance_of_6_db_where_audible(noise):
  distance = fidelity.mel_distance(noise, 2 * noise, SAMPLE_RATE)
  assert distance == pytest.approx(20 * np.log10(2), rel=1e-3)


def test_what_is_60_db_down_does_not_count(voice, noise):
  distance = fidelity.mel_distance(voice, voice + 1e-6 * noise, SAMPLE_RATE)
  assert distance < 0.05


def test_si_snr_of_silence_is_undefined():
  silence = np.zeros(4000, np.float32)
  assert np.isnan(fidelity.si_snr(silence, silence, SAMPLE_RATE))
