"""Spectra that a tokenizer hears of a clip, without level and microphone."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from audiolm_jax.nn import spectral

# Root mean square that every clip is brought to.
LEVEL = 0.07
# Power of a bin that counts as silence, at that level.
_FLOOR = 1e-4
# About what makes log powers of unit variance.
_SCALE = 0.25


def at_level(
    waveform: Float[Array, 'B N'], samples: Bool[Array, 'B N']
) -> Float[Array, 'B N']:
  """Every clip equally loud, and silent where it has no `samples`."""
  waveform = jnp.where(samples, waveform, 0.0)
  count = jnp.maximum(samples.sum(axis=1, keepdims=True), 1)
  power = jnp.square(waveform).sum(axis=1, keepdims=True) / count
  # Digital silence stays silent, and is not 0 / 0.
  return waveform * (LEVEL * jax.lax.rsqrt(power + 1e-10))


def log_spectra(
    waveform: Float[Array, 'B N'], window: int, hop: int
) -> Float[Array, 'B T F']:
  """Log powers, one spectrum in the middle of each whole hop."""
  before = (window - hop) // 2
  padding = ((0, 0), (before, window - hop - before))
  spectra = spectral.stft(jnp.pad(waveform, padding), window, hop)
  power = jnp.square(spectra.real) + jnp.square(spectra.imag)
  return _SCALE * jnp.log(power + _FLOOR)


def centre(
    x: Float[Array, 'B T D'], counted: Bool[Array, 'B T']
) -> Float[Array, 'B T D']:
  """Takes the mean of the frames that count away from all frames."""
  return x - mean(x, counted)[:, None]


def standardize(
    x: Float[Array, 'B T D'], counted: Bool[Array, 'B T']
) -> Float[Array, 'B T D']:
  """Zero mean and unit deviation over the frames that count."""
  x = centre(x, counted)
  variance = mean(jnp.square(x), counted)[:, None]
  # A single frame has no deviation: it becomes 0, and not NaN.
  return x * jax.lax.rsqrt(variance + 1e-3)


def mean(
    x: Float[Array, 'B T D'], counted: Bool[Array, 'B T']
) -> Float[Array, 'B D']:
  """Over the frames that count; 0 if none does."""
  weights = counted.astype(x.dtype)
  total = jnp.einsum('btd,bt->bd', x, weights)
  return total / jnp.maximum(weights.sum(axis=1, keepdims=True), 1.0)
