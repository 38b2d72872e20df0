"""Tests of the losses on waveforms."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audiolm_jax.nn import spectral
from audiolm_jax.soundstream import losses


def noise(seed, rows=2, samples=4096):
  return 0.1 * jax.random.normal(jax.random.key(seed), (rows, samples))


@functools.partial(jax.jit, static_argnames='windows')
def spectral_loss(target, output, windows=(64, 2048)):
  size = jnp.float32(target.size)
  return losses.spectral_loss(target, output, size, 16000, windows)


def test_published_sum_is_the_loss_times_the_samples():
  target, output = noise(0, 1, 1024), noise(1, 1, 1024)
  window = 256
  published = 0.0
  pad = ((0, 0), (window // 2, window // 2))
  mels = []
  for x in (target, output):
    spectrum = jnp.abs(spectral.stft(jnp.pad(x, pad), window, window // 4))
    mels.append(spectrum @ spectral.mel_filterbank(64, window, 16000))
  floor = losses.silence(window, 16000)
  s, s_hat = (jnp.maximum(mel, floor) for mel in mels)
  for t in range(s.shape[1]):
    difference = jnp.log(s[0, t]) - jnp.log(s_hat[0, t])
    published += jnp.abs(s[0, t] - s_hat[0, t]).sum()
    published += (window / 2) ** 0.5 * jnp.linalg.norm(difference)
  ours = spectral_loss(target, output, windows=(window,))
  np.testing.assert_allclose(1024 * ours, published, rtol=1e-3)


def test_equal_waveforms_have_no_spectral_loss():
  assert spectral_loss(noise(0), noise(0)) < 1e-3
  assert spectral_loss(noise(0), noise(1)) > 0.1


def test_what_nobody_hears_pulls_at_nothing():
  loudness = jnp.where(jnp.arange(8000)[None] < 4000, 1.0, 1e-4)
  target, output = noise(0, 1, 8000) * loudness, noise(1, 1, 8000) * loudness
  gradient = jax.grad(lambda x: spectral_loss(target, x))(output)
  loud, quiet = jnp.square(gradient).reshape(2, -1).sum(axis=1)
  assert quiet < 0.1 * loud


def test_noise_of_that_amplitude_is_as_loud_as_silence():
  x = 10 * losses.SILENCE * noise(0, 1, 2**16)
  for window in losses.WINDOWS[2:]:
    spectrum = jnp.abs(spectral.stft(x, window, window // 4))
    mel = spectrum @ spectral.mel_filterbank(64, window, 16000)
    # Narrow filters lie between bins; the magnitude of noise varies.
    loud = jnp.median(mel[mel > 0])
    np.testing.assert_allclose(losses.silence(window, 16000), loud, rtol=0.3)


def test_spectral_loss_does_not_grow_with_the_batch():
  one = spectral_loss(noise(0), noise(1))
  four = spectral_loss(*(jnp.tile(noise(i), (4, 1)) for i in range(2)))
  np.testing.assert_allclose(four, one, rtol=1e-4)


@pytest.mark.parametrize('output', [jnp.zeros((1, 4096)), noise(0, 1)])
def test_gradients_on_silence_are_finite(output):
  gradient = jax.grad(spectral_loss, argnums=1)(jnp.zeros((1, 4096)), output)
  assert jnp.isfinite(gradient).all()


def complex_loss(target, output):
  return losses.complex_loss(target, output, jnp.float32(target.size))


def test_complex_loss_hears_the_phase_that_the_spectral_loss_does_not():
  t = jnp.arange(8000)[None] / 16000
  target, output = (
      0.1 * jnp.sin(2 * np.pi * 440 * t + shift) for shift in (0.0, 1.5)
  )
  other = noise(0, 1, 8000)
  deaf = spectral_loss(target, output) / spectral_loss(target, other)
  heard = complex_loss(target, output) / complex_loss(target, other)
  assert heard > 2 * deaf
  assert complex_loss(target, target) < 1e-6


def magnitude_loss(target, output):
  size = jnp.float32(target.size)
  return losses.magnitude_loss(target, output, size, 16000)


def test_magnitude_loss_tells_tones_from_noise_as_loud():
  t = jnp.arange(16000)[None] / 16000
  tones = sum(jnp.sin(2 * np.pi * f * t) for f in range(6000, 8000, 100))
  noises = [
      jnp.fft.irfft(jnp.fft.rfft(noise(i, 1, 16000)).at[:, :6000].set(0))
      for i in range(2)
  ]
  tones, *noises = (0.1 * x / x.std() for x in (tones, *noises))
  assert magnitude_loss(noises[0], tones) > 1.5 * magnitude_loss(*noises)
  assert magnitude_loss(tones, tones) == 0


def test_magnitude_loss_hears_a_low_octave_as_well_as_a_high_one():
  silence = jnp.zeros((1, 16000))
  band = jnp.fft.rfft(noise(0, 1, 16000))
  low, high = (
      jnp.fft.irfft(
          jnp.zeros_like(band).at[:, f : 2 * f].set(band[:, f : 2 * f])
      )
      for f in (1500, 3000)
  )
  # The high one has twice the bins.
  assert magnitude_loss(silence, high) < 1.5 * magnitude_loss(silence, low)


def test_bins_weigh_as_the_mel_scale_is_dense():
  weights = losses.mel_density(1024, 16000)
  assert weights.mean() == pytest.approx(1)
  assert weights[0] / weights[64] == pytest.approx(1700 / 700)
  share = weights[:65].sum() / weights.sum()
  assert share == pytest.approx(np.log(17 / 7) / np.log(87 / 7), rel=0.02)


@pytest.mark.parametrize('output', [jnp.zeros((1, 4096)), noise(0, 1)])
def test_gradients_of_the_magnitude_loss_on_silence_are_finite(output):
  gradient = jax.grad(magnitude_loss, argnums=1)(jnp.zeros((1, 4096)), output)
  assert jnp.isfinite(gradient).all()


def test_complex_loss_grows_neither_with_the_batch_nor_the_crop():
  one = complex_loss(noise(0), noise(1))
  four = complex_loss(*(jnp.tile(noise(i), (4, 1)) for i in range(2)))
  long = complex_loss(*(jnp.tile(noise(i), (1, 8)) for i in range(2)))
  np.testing.assert_allclose(four, one, rtol=1e-4)
  np.testing.assert_allclose(long, one, rtol=0.2)


@pytest.mark.parametrize('output', [jnp.zeros((1, 4096)), noise(0, 1)])
def test_gradients_of_the_complex_loss_on_silence_are_finite(output):
  gradient = jax.grad(complex_loss, argnums=1)(jnp.zeros((1, 4096)), output)
  assert jnp.isfinite(gradient).all()


def test_waveform_loss_is_the_mean_of_true_samples():
  target = jnp.zeros((2, 10))
  output = jnp.ones((2, 10)).at[1, 5:].set(0.0)
  loss = losses.waveform_loss(target, output, jnp.float32(15))
  np.testing.assert_allclose(loss, 1.0)


@pytest.mark.parametrize('decibel', [-10, 0, 20])
def test_si_snr_is_the_ratio_of_orthogonal_noise(decibel):
  t = jnp.arange(1600) / 1600
  target, error = (f(2 * jnp.pi * 50 * t)[None] for f in (jnp.sin, jnp.cos))
  output = 3 * (target + 10 ** (-decibel / 20) * error) + 0.5
  ratio = losses.si_snr(target, output, jnp.ones((1, 1600), bool))
  np.testing.assert_allclose(ratio, decibel, atol=1e-2)


def test_si_snr_sees_no_padding():
  target, output = noise(0), noise(0) + 0.1 * noise(1)
  mask = jnp.arange(4096)[None] < jnp.array([4096, 1000])[:, None]
  ratio = losses.si_snr(target, output, mask)
  garbage = losses.si_snr(target, jnp.where(mask, output, 1e3), mask)
  np.testing.assert_allclose(ratio, garbage, rtol=1e-5)
  alone = losses.si_snr(target[1:, :1000], output[1:, :1000], mask[1:, :1000])
  np.testing.assert_allclose(ratio[1], alone[0], rtol=1e-4)


def test_si_snr_of_silence_is_finite():
  silence, mask = jnp.zeros((1, 100)), jnp.ones((1, 100), bool)
  assert jnp.isfinite(losses.si_snr(silence, silence, mask)).all()
  assert jnp.isfinite(losses.si_snr(silence, silence + 1.0, mask)).all()
