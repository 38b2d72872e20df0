"""Short-time Fourier transforms and mel spectrograms, differentiable."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

# Slaney's Auditory Toolbox: linear below 1 kHz, 27 steps to a factor 6.4 above.
_HZ_PER_MEL = 200 / 3
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27


def stft(
    waveform: Float[Array, 'B N'], window: int, hop: int
) -> Complex[Array, 'B T F']:
  """Hann-windowed spectra of whole windows: T = 1 + (N - window) // hop.

  Nothing is padded here; F = window // 2 + 1.
  """
  frames = _frame(waveform, window, hop)
  return jnp.fft.rfft(frames * hann(window)[None, None])


def hann(window: int) -> Float[np.ndarray, ' W']:
  """The periodic Hann window, whose shifted copies add up to a constant."""
  wave = np.cos(2 * np.pi * np.arange(window) / window)
  return (0.5 - 0.5 * wave).astype(np.float32)


@functools.lru_cache(maxsize=32)
def mel_filterbank(
    num_mels: int,
    n_fft: int,
    sample_rate: int,
    low: float = 0.0,
    high: float | None = None,
) -> Float[np.ndarray, 'F M']:
  """Triangles of equal area on Slaney's mel scale (librosa's default).

  Args:
    num_mels: M.
    n_fft: Length of the transform; F = n_fft // 2 + 1.
    sample_rate: In Hz.
    low: Lower edge of the first triangle, in Hz.
    high: Upper edge of the last one; the Nyquist frequency by default.
  """
  high = sample_rate / 2 if high is None else high
  edges = _mel_to_hz(
      np.linspace(_hz_to_mel(low), _hz_to_mel(high), num_mels + 2)
  )
  bins = np.arange(n_fft // 2 + 1) * sample_rate / n_fft
  rising = (bins[:, None] - edges[None, :-2]) / np.diff(edges)[None, :-1]
  falling = (edges[None, 2:] - bins[:, None]) / np.diff(edges)[None, 1:]
  triangles = np.maximum(0, np.minimum(rising, falling))
  areas = 2 / (edges[2:] - edges[:-2])
  return (triangles * areas[None]).astype(np.float32)


def log_mel(
    waveform: Float[Array, 'B N'],
    sample_rate: int,
    num_mels: int = 80,
    window: int = 400,
    hop: int = 160,
    low: float = 0.0,
    high: float | None = None,
    floor: float = 1e-5,
) -> Float[Array, 'B T M']:
  """Natural log of the mel power spectrogram, one frame per whole hop.

  The waveform is padded with silence on both sides so that T = N // hop and
  frame t is centred on the t-th hop. `floor` bounds the power from below.
  """
  padding = max(window - hop, 0)
  left = padding // 2
  waveform = jnp.pad(waveform, ((0, 0), (left, padding - left)))
  spectra = stft(waveform, window, hop)
  power = jnp.square(spectra.real) + jnp.square(spectra.imag)
  mel = power @ mel_filterbank(num_mels, window, sample_rate, low, high)
  return jnp.log(jnp.maximum(mel, floor))


def _frame(
    waveform: Float[Array, 'B N'], window: int, hop: int
) -> Float[Array, 'B T W']:
  """Overlapping windows, from slices: a gather's gradient would be slow."""
  batch, length = waveform.shape
  num_frames = 1 + (length - window) // hop
  parts = -(-window // hop)
  needed = (num_frames + parts - 1) * hop
  waveform = jnp.pad(waveform, ((0, 0), (0, max(needed - length, 0))))
  hops = jnp.reshape(waveform[:, :needed], (batch, -1, hop))
  slices = [
      jax.lax.slice_in_dim(hops, i, i + num_frames, axis=1)
      for i in range(parts)
  ]
  return jnp.concatenate(slices, axis=-1)[..., :window]


def _hz_to_mel(hz: float) -> float:
  if hz < _BREAK_HZ:
    return hz / _HZ_PER_MEL
  return _BREAK_MEL + np.log(hz / _BREAK_HZ) / _LOG_STEP


def _mel_to_hz(mel: Float[np.ndarray, ' M']) -> Float[np.ndarray, ' M']:
  above = _BREAK_HZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL))
  return np.where(mel < _BREAK_MEL, mel * _HZ_PER_MEL, above)
