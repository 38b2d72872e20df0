"""Tests audiolm_jax/nn/spectral.py."""

import jax
import jax.numpy as jnp
import librosa
import numpy as np
import pytest

from audiolm_jax.nn import spectral


def noise(*shape):
  return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize('window,hop', [(400, 160), (512, 128), (64, 64)])
def test_stft_is_librosas(window, hop):
  waveform = noise(2, 4000)
  ours = jax.jit(spectral.stft, static_argnums=(1, 2))(waveform, window, hop)
  theirs = librosa.stft(waveform, n_fft=window, hop_length=hop, center=False)
  np.testing.assert_allclose(ours, theirs.swapaxes(1, 2), atol=1e-4)


@pytest.mark.parametrize('low,high', [(0.0, None), (80.0, 7600.0)])
@pytest.mark.parametrize('num_mels', [16, 80])
def test_filterbank_is_librosas(num_mels, low, high):
  ours = spectral.mel_filterbank(num_mels, 1024, 16000, low, high)
  theirs = librosa.filters.mel(
      sr=16000, n_fft=1024, n_mels=num_mels, fmin=low, fmax=high
  )
  np.testing.assert_allclose(ours, theirs.T, atol=1e-7)


@pytest.mark.parametrize('window,hop', [(400, 160), (512, 128)])
def test_log_mel_is_librosas(window, hop):
  waveform = noise(1, hop * 50)
  ours = jax.jit(spectral.log_mel, static_argnums=(1, 2, 3, 4))(
      waveform, 16000, 80, window, hop
  )
  padding = (window - hop) // 2
  theirs = librosa.feature.melspectrogram(
      y=np.pad(waveform[0], padding),
      sr=16000,
      n_fft=window,
      hop_length=hop,
      n_mels=80,
      center=False,
  )
  assert ours.shape == (1, 50, 80)
  np.testing.assert_allclose(
      ours[0], np.log(np.maximum(theirs, 1e-5)).T, atol=1e-4
  )


def test_silence_has_a_finite_log_mel_and_gradient():
  silence = jnp.zeros((1, 3200))

  def total(waveform):
    return spectral.log_mel(waveform, 16000).sum()

  value, gradient = jax.value_and_grad(total)(silence)
  assert jnp.isfinite(value)
  np.testing.assert_array_equal(gradient, 0.0)


def test_a_tone_lights_its_own_band():
  waveform = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)[None]
  frame = spectral.log_mel(jnp.asarray(waveform, jnp.float32), 16000)[0, 50]
  centres = librosa.mel_frequencies(82, fmin=0, fmax=8000)[1:-1]
  assert abs(centres[int(frame.argmax())] - 1000) < 50
