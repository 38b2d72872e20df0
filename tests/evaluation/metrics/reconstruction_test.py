"""Tests `audiolm_jax/evaluation/metrics/reconstruction.py`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolm_jax.evaluation.listeners import perceptual
from audiolm_jax.evaluation.metrics import fidelity, reconstruction

SAMPLE_RATE = 16000
METRICS = (fidelity.MEL_DISTANCE, fidelity.SI_SNR)


class ToyCodec:
  """Every sample is a frame; each level adds one more bit of it."""

  def encode(self, waveforms: np.ndarray) -> np.ndarray:
    codes, residual = [], waveforms
    for level in range(10):
      codes.append((residual > 0).astype(np.int32))
      residual = residual - self._values(codes[-1], level)
    return np.stack(codes, axis=-1)

  def decode(self, codes: np.ndarray) -> np.ndarray:
    levels = range(codes.shape[-1])
    return sum(self._values(codes[..., i], i) for i in levels)

  def _values(self, codes: np.ndarray, level: int) -> np.ndarray:
    return np.where(codes, 1, -1).astype(np.float32) * 0.2 * 0.5**level


@pytest.fixture
def evaluation(voice, other_voice):
  waveforms = np.stack([voice, np.pad(other_voice[:30000], (0, 18000))])
  codec = ToyCodec()

  def evaluate(metrics, decode=codec.decode):
    return reconstruction.evaluate(
        codec.encode(waveforms),
        decode,
        waveforms,
        np.array([48000, 30000]),
        SAMPLE_RATE,
        metrics,
    )

  return evaluate


def test_fewer_levels_are_worse_in_every_metric(evaluation):
  result = evaluation(METRICS)
  assert result.levels == [1, 2, 4, 8, 10]
  assert result.improves == {'mel_distance': True, 'si_snr': True}
  assert result.seconds == pytest.approx(78000 / SAMPLE_RATE)


def test_a_codec_that_ignores_its_levels_is_found_out(evaluation):
  result = evaluation(METRICS, lambda codes: ToyCodec().decode(codes[..., :1]))
  assert result.improves == {'mel_distance': False, 'si_snr': False}


def test_padding_is_not_compared(evaluation):
  def decode(codes):
    waveforms = ToyCodec().decode(codes)
    waveforms[1, 30000:] = 1.0
    return waveforms

  assert evaluation(METRICS, decode).scores == evaluation(METRICS).scores


def test_clips_where_a_metric_is_undefined_do_not_count():
  assert reconstruction.mean_of_defined([1.0, float('nan'), 3.0]) == 2.0
  assert np.isnan(reconstruction.mean_of_defined([float('nan')]))


@settings(deadline=None)
@given(st.integers(1, 24))
def test_levels_ascend_to_all(num_quantizers):
  levels = reconstruction.levels_to_keep(num_quantizers)
  assert levels == sorted(set(levels)) and levels[-1] == num_quantizers


def test_perplexity_is_the_share_of_codes_used_alike():
  codes = np.stack([np.arange(1000) % 10, np.arange(1000) % 5], axis=1)
  result = reconstruction.codebook_use(codes, 10, frame_rate=50.0)
  assert result.perplexity == pytest.approx([1.0, 0.5])
  assert result.used == [1.0, 0.5]
  skewed = np.where(np.arange(1000)[:, None] < 900, 0, codes)
  assert reconstruction.codebook_use(skewed, 10, 50.0).perplexity[0] < 0.3


def test_entropy_coding_saves_what_is_not_used_alike():
  codes = np.stack([np.arange(64) % 16, np.arange(64) % 4], axis=1)
  result = reconstruction.codebook_use(codes, 16, frame_rate=50.0)
  assert result.bitrate == pytest.approx([0.2, 0.4])
  # Four bits a frame and two, instead of four and four.
  assert result.entropy_bitrate == pytest.approx([0.2, 0.3])


@pytest.mark.slow
def test_listeners_models_hear_noise(voice, noise):
  metrics = (perceptual.visqol('speech'), perceptual.pesq())
  for metric in metrics:
    clean = metric.measure(voice, voice, SAMPLE_RATE)
    noisy = metric.measure(voice, voice + 0.03 * noise, SAMPLE_RATE)
    assert clean > 4.0, metric.name
    assert noisy < 2.5, metric.name


@pytest.mark.slow
def test_visqol_hears_noise_in_music(voice, noise):
  metric = perceptual.visqol('audio')
  clean = metric.measure(voice, voice, SAMPLE_RATE)
  assert clean > 4.0
  assert metric.measure(voice, voice + 0.03 * noise, SAMPLE_RATE) < clean - 1


@pytest.mark.slow
@pytest.mark.parametrize('mode', ['speech', 'audio'])
def test_similarity_falls_with_every_step_of_noise(mode, voice, noise):
  metric = perceptual.visqol_similarity(mode)
  scores = [
      metric.measure(voice, voice + level * noise, SAMPLE_RATE)
      for level in (0.0, 0.003, 0.03, 0.3)
  ]
  assert scores[0] == pytest.approx(1.0, abs=1e-3)
  assert scores == sorted(scores, reverse=True)
  assert len(set(scores)) == len(scores)
