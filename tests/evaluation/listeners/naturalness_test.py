"""Tests `audiolm_jax/evaluation/listeners/naturalness.py`."""

import importlib.util

import numpy as np
import pytest

from audiolm_jax import audio
from audiolm_jax.evaluation.listeners import naturalness
from audiolm_jax.evaluation.tables import Missing

SAMPLE_RATE = 16000


@pytest.fixture(name='dnsmos', scope='module')
def fixture_dnsmos():
  pytest.importorskip('onnxruntime')
  predict_mos = naturalness.dnsmos()
  if isinstance(predict_mos, Missing):
    pytest.skip(predict_mos.why)
  return predict_mos


@pytest.fixture(name='speech', scope='module')
def fixture_speech():
  path = 'data/prompts/speech_english_synthetic.flac'
  return audio.read(path, SAMPLE_RATE, seconds=4.0)


def test_it_is_the_packages_overall_score(dnsmos, speech):
  package = pytest.importorskip('speechmos.dnsmos')
  window = np.resize(speech, 144160)
  wanted = package.run(window, SAMPLE_RATE)['ovrl_mos']
  assert dnsmos(window, SAMPLE_RATE) == pytest.approx(wanted, abs=1e-4)
  # A clip that is too short is heard over and over.
  assert dnsmos(speech, SAMPLE_RATE) == pytest.approx(wanted, abs=1e-4)


def test_noise_is_less_natural(dnsmos, speech):
  noise = np.random.default_rng(0).normal(size=len(speech))
  scores = [dnsmos(speech + level * noise, 16000) for level in (0, 0.03)]
  assert scores[0] > scores[1] + 0.5


def test_what_is_too_loud_is_cut_and_silence_has_no_score(dnsmos, speech):
  assert np.isfinite(dnsmos(3 * speech / np.abs(speech).max(), SAMPLE_RATE))
  assert np.isnan(dnsmos(np.zeros(SAMPLE_RATE), SAMPLE_RATE))


def test_a_missing_package_is_said(monkeypatch):
  monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
  why = naturalness.dnsmos()
  assert isinstance(why, Missing) and 'speechmos' in why.why
