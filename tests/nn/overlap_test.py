"""Tests of spectra of overlapping frames, and back."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audiolm_jax.nn.overlap import Analysis, OverlapAdd

HOP, WINDOW = 32, 128
WAVEFORM = jax.random.normal(jax.random.key(0), (2, 40 * HOP))


def resynthesised(waveform):
  """Spectra of a waveform moved so that frames lie mid-window, and back."""
  delay = (WINDOW - HOP) // 2
  early = jnp.pad(waveform[:, delay:], ((0, 0), (0, delay)))
  spectra = Analysis(WINDOW, HOP).apply({}, early)
  return OverlapAdd(WINDOW, HOP).apply({}, spectra)


def test_the_waveform_comes_back():
  found = resynthesised(WAVEFORM)
  inside = slice(WINDOW, -WINDOW)
  np.testing.assert_allclose(found[:, inside], WAVEFORM[:, inside], atol=1e-4)


def test_the_first_samples_are_as_loud_as_the_others():
  ones = jnp.ones((1, 20, WINDOW // 2 + 1)) * jnp.exp(0.3j)
  found = OverlapAdd(WINDOW, HOP).apply({}, ones)
  assert found.shape == (1, 20 * HOP)
  frames = jnp.fft.irfft(ones[0, 0], WINDOW)
  assert jnp.isfinite(found).all()
  assert jnp.abs(found[:, :HOP]).max() < 4 * jnp.abs(frames).max()


@pytest.mark.parametrize('window', [32, 64, 128])
def test_spectra_hear_only_the_past(window):
  analysis = Analysis(window, HOP)
  whole = analysis.apply({}, WAVEFORM)
  prefix = analysis.apply({}, WAVEFORM[:, : 5 * HOP])
  assert whole.shape == (2, 40, window // 2 + 1)
  np.testing.assert_allclose(whole[:, :5], prefix, atol=1e-4)
