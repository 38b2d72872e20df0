"""Kaldi's log-mel features, as w2v-BERT 2.0 was trained on them.

Those of SeamlessM4TFeatureExtractor in transformers.
"""

import functools

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from audiolm_jax.pretrained.frames import num_frames, valid

WINDOW, HOP = 400, 160  # In samples: 25 ms every 10 ms.
STACK = 2  # Mel frames that make one of the model's.
# Kaldi's: the next power of two after the window.
_FFT = 512
_PRE_EMPHASIS = 0.97
_LOW_HZ = 20.0
_SCALE = 2.0**15  # Kaldi counts in 16-bit steps.
_FLOOR = float(np.finfo(np.float32).eps)


def features(
    waveform: Float[Array, 'B N'],
    lengths: Int[Array, ' B'],
    num_mels: int = 80,
    sample_rate: int = 16000,
) -> Float[Array, 'B T D']:
  """Two mel frames side by side, each mel at zero mean and unit variance.

  D = 2 num_mels; N is a multiple of 320, T = N / 320. A clip goes on beyond its
  length with the zeros that its last frame lacks, 240 at a multiple of 320. So
  that these change no other frame, mean and variance are those of the windows
  that lie within the clip, which are all that the extractor takes; a window
  without a sample of the clip is zero, as where the extractor pads.
  """
  inside = valid(lengths, waveform.shape[1])
  padding = ((0, 0), (0, WINDOW - HOP))
  waveform = jnp.pad(jnp.where(inside, waveform, 0), padding)
  mel = log_mel(waveform, num_mels, sample_rate)
  # A variance over count - 1 needs two windows.
  mel = _normalized(mel, jnp.maximum((lengths - WINDOW) // HOP + 1, 2))
  sounding = valid(num_frames(lengths, HOP), mel.shape[1])
  mel = jnp.where(sounding[..., None], mel, 0)
  return mel.reshape(len(mel), -1, STACK * num_mels)


def num_whole(lengths: Int[Array, ' B']) -> Int[Array, ' B']:
  """Frames that lie within each clip, the extractor's; at least one."""
  return jnp.maximum(((lengths - WINDOW) // HOP + 1) // STACK, 1)


def log_mel(
    waveform: Float[Array, 'B N'], num_mels: int = 80, sample_rate: int = 16000
) -> Float[Array, 'B T M']:
  """Natural log of the mel powers of whole windows, not normalized."""
  starts = np.arange(0, waveform.shape[1] - WINDOW + 1, HOP)
  frames = waveform[:, starts[:, None] + np.arange(WINDOW)[None]] * _SCALE
  # In Kaldi's order: the offset, pre-emphasis, the window.
  frames = frames - frames.mean(axis=-1, keepdims=True)
  # The first sample of a window is taken to go before itself.
  before = jnp.concatenate([frames[..., :1], frames[..., :-1]], axis=-1)
  frames = frames - _PRE_EMPHASIS * before
  # Kaldi's own window, a Hann that falls off less.
  povey = np.power(np.hanning(WINDOW), 0.85).astype(np.float32)
  spectra = jnp.fft.rfft(frames * povey[None, None], _FFT)
  power = jnp.square(spectra.real) + jnp.square(spectra.imag)
  mel = power @ _filterbank(num_mels, sample_rate)
  return jnp.log(jnp.maximum(mel, _FLOOR))


def _normalized(
    mel: Float[Array, 'B T M'], counts: Int[Array, ' B']
) -> Float[Array, 'B T M']:
  """By mean and unbiased variance of each clip's first frames."""
  inside = valid(counts, mel.shape[1])[..., None]
  count = counts[:, None, None]
  mean = jnp.where(inside, mel, 0).sum(axis=1, keepdims=True) / count
  squares = jnp.where(inside, jnp.square(mel - mean), 0)
  variance = squares.sum(axis=1, keepdims=True) / (count - 1)
  # The extractor's epsilon; a silent clip has a variance of 0.
  return (mel - mean) / jnp.sqrt(variance + 1e-7)


@functools.lru_cache(maxsize=8)
def _filterbank(num_mels: int, sample_rate: int) -> Float[np.ndarray, 'F M']:
  """Triangles of height one whose sides are straight on the mel scale."""
  edges = np.linspace(_mel(_LOW_HZ), _mel(sample_rate / 2), num_mels + 2)
  bins = _mel(np.arange(_FFT // 2 + 1) * sample_rate / _FFT)[:, None]
  rising = (bins - edges[None, :-2]) / np.diff(edges)[None, :-1]
  falling = (edges[None, 2:] - bins) / np.diff(edges)[None, 1:]
  return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


def _mel(hz: float | np.ndarray) -> float | np.ndarray:
  return 1127.0 * np.log1p(hz / 700.0)
