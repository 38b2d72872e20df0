"""Spotify's basic-pitch as a transcriber (ICASSP 2022, Apache-2.0).

Its package asks for a TensorFlow that no longer installs beside others, so only
the network is taken out of it, and what makes notes of activations is here.
"""

import functools

import numpy as np
import soxr
from jaxtyping import Float

from audiolm_jax.evaluation.listeners import networks
from audiolm_jax.evaluation.metrics.transcription import (
    PIANO_KEYS,
    Note,
    Transcribe,
)
from audiolm_jax.evaluation.tables import Missing

_RATE = 22050
_HOP = 256
_WINDOW, _WINDOW_FRAMES = 2 * _RATE - _HOP, 172
# Frames at each border of a window that know too little of what is beside it.
_BORDER = 15
_FRAMES_PER_SECOND = _RATE / _HOP
# The package's own settings.
_ONSET, _FRAME = 0.5, 0.3
_MIN_FRAMES, _MAX_GAP = 11, 11
_HOW = Missing(
    'basic-pitch is missing: pip install --no-deps basic-pitch==0.4.0'
)
_MODEL = 'saved_models/icassp_2022/nmp.onnx'
_OUTPUTS = ['StatefulPartitionedCall:1', 'StatefulPartitionedCall:2']


def transcriber() -> Transcribe | Missing:
  """The network of the installed package, or how to install it."""
  session = networks.session('basic_pitch', _MODEL, _HOW)
  if isinstance(session, Missing):
    return session
  return functools.partial(_transcribe, session)


def notes_of(
    active: Float[np.ndarray, 'T 88'], onsets: Float[np.ndarray, 'T 88']
) -> list[Note]:
  """Notes of activations: each onset, for as long as its key sounds.

  Keys are taken from the latest onset to the first, so that a key that is
  struck again ends its earlier note; a neighbouring key's spill is dropped.
  """
  padded = np.pad(onsets, ((1, 1), (0, 0)), constant_values=-1.0)
  peaks = (onsets > padded[:-2]) & (onsets > padded[2:]) & (onsets >= _ONSET)
  left, found = active.copy(), []
  for start, key in reversed(np.argwhere(peaks)):
    length = _sounding(left[start + 1 :, key])
    if length < _MIN_FRAMES:
      continue
    end = start + 1 + length
    velocity = float(active[start:end, key].mean())
    left[start:end, max(key - 1, 0) : key + 2] = 0.0
    times = start / _FRAMES_PER_SECOND, end / _FRAMES_PER_SECOND
    found.append(Note(*times, PIANO_KEYS[key], velocity))
  return found[::-1]


def _sounding(after: Float[np.ndarray, ' T']) -> int:
  """Frames until the key is off for good."""
  on = np.flatnonzero(after >= _FRAME)
  if not len(on) or on[0] >= _MAX_GAP:
    return 0
  breaks = np.flatnonzero(np.diff(on) > _MAX_GAP)
  return int(on[breaks[0]] if len(breaks) else on[-1]) + 1


def _transcribe(
    session, waveform: Float[np.ndarray, ' N'], sample_rate: int
) -> list[Note]:
  mono = soxr.resample(np.asarray(waveform, np.float32), sample_rate, _RATE)
  name = session.get_inputs()[0].name
  num_frames = len(mono) // _HOP
  active, onsets = (
      inner.reshape(-1, len(PIANO_KEYS))[:num_frames]
      for inner in (
          frames[:, _BORDER:-_BORDER]
          for frames in session.run(_OUTPUTS, {name: _windows(mono)})
      )
  )
  return notes_of(active, onsets)


def _windows(mono: Float[np.ndarray, ' N']) -> Float[np.ndarray, 'B W 1']:
  """Windows whose inner frames cover the sound, each frame once."""
  step = (_WINDOW_FRAMES - 2 * _BORDER) * _HOP
  count = max(-(-len(mono) // step), 1)
  before = _BORDER * _HOP
  after = (count - 1) * step + _WINDOW - before - len(mono)
  padded = np.pad(mono, (before, max(after, 0)))
  starts = range(0, count * step, step)
  return np.stack([padded[i : i + _WINDOW, None] for i in starts])
