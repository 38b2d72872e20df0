"""Tests `audiolm_jax/evaluation/metrics/faults.py`."""

import numpy as np
import pytest

from audiolm_jax.evaluation.metrics import faults as checks

SAMPLE_RATE = 16000


def faults(waveform: np.ndarray, prompt: np.ndarray | None = None) -> list[str]:
  return checks.check_continuation(waveform, prompt, SAMPLE_RATE).faults


def test_a_voice_has_no_fault(voice, other_voice):
  assert faults(voice, other_voice) == []
  assert faults(voice) == []


def test_silence_is_a_fault(voice):
  assert 'silent' in faults(np.zeros_like(voice))
  assert faults(0.04 * voice) == []
  assert faults(0.04 * voice, voice) == ['silent']
  # 21 dB below its prompt.
  assert faults(0.09 * voice, voice) == ['silent']
  assert faults(0.3 * voice, voice) == []


@pytest.mark.parametrize('amplitude', [0.0, 1e-5, 1e-3])
def test_an_end_in_silence_is_a_fault_and_a_pause_is_none(
    voice, other_voice, amplitude
):
  fading = np.tile(voice, 2)[: 5 * SAMPLE_RATE].copy()
  fading[-2 * SAMPLE_RATE :] *= amplitude
  assert faults(fading, other_voice) == ['fades']
  assert faults(fading) == ['fades']
  pausing = np.roll(fading, SAMPLE_RATE)
  assert faults(pausing, other_voice) == []


def test_clipping_is_a_fault(voice):
  assert faults(np.clip(30 * voice, -1, 1)) == ['clipped']


@pytest.mark.parametrize('seconds', [0.02, 0.1, 0.24, 0.5, 1.0])
def test_a_loop_is_a_fault(voice, seconds):
  piece = voice[8000 : 8000 + round(seconds * SAMPLE_RATE)]
  loop = np.tile(piece, -(-4 * SAMPLE_RATE // len(piece)))
  assert faults(loop) == ['loop']


def test_noise_is_no_loop_though_its_spectrum_stands_still(noise):
  result = checks.check_continuation(0.1 * noise, None, SAMPLE_RATE)
  assert result.faults == [] and result.repetition < 0.5


def test_level_is_measured_against_the_prompt(voice):
  result = checks.check_continuation(0.5 * voice, voice, SAMPLE_RATE)
  assert result.relative_level_db == pytest.approx(20 * np.log10(0.5), abs=0.01)


def test_a_short_continuation_is_not_called_a_loop(voice):
  assert np.isnan(
      checks.check_continuation(voice[:2000], None, SAMPLE_RATE).repetition
  )


def test_the_prompt_is_recognised_through_noise(voice, other_voice, noise):
  result = checks.check_prompt(
      voice + 0.003 * noise, voice, [other_voice], SAMPLE_RATE
  )
  assert result.recognised
  assert result.correlation > 0.7 > result.best_other


def test_another_prompt_is_not_recognised(voice, other_voice):
  assert not checks.check_prompt(
      other_voice, voice, [other_voice], SAMPLE_RATE
  ).recognised
  assert not checks.check_prompt(other_voice, voice, [], SAMPLE_RATE).recognised


def test_silence_is_not_a_prompt(voice):
  assert not checks.check_prompt(
      np.zeros_like(voice), voice, [], SAMPLE_RATE
  ).recognised
