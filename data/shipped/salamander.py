"""The Salamander Grand Piano: recordings of a Yamaha C5, played in NumPy.

Samples by Alexander Holm, CC-BY-3.0. Every third key is recorded, in 16
velocities of which `LAYERS` are used; other keys and velocities lie between.
"""

import pathlib
import re
from typing import NamedTuple

import numpy as np
import soundfile
import soxr
from jaxtyping import Float

from audiolm_jax.adapters.performance import Performance, sustained
from audiolm_jax.adapters.recording import SAMPLE_RATE
from data.shipped import fetch

LICENCE = 'CC-BY-3.0 Alexander Holm (samples)'
LAYERS = (4, 7, 10, 13, 16)

_LOW, _HIGH = 21, 108  # The keys of a piano, as MIDI pitches.
_SECONDS = 9.0  # A sample is cut after this.
_SEMITONES = {'C': 0, 'D#': 3, 'F#': 6, 'A': 9}
_RELEASE = 0.18  # Seconds a damper needs; the top keys have none.
_UNDAMPED_RELEASE = 3.0
_LOWEST_UNDAMPED = 89
_TAIL = 2.0
_RMS = 0.07  # Loudness of a finished recording.


class Piano(NamedTuple):
  """Samples of every key, [layer key sample], in float16."""

  samples: np.ndarray


def load(
    layers: tuple[int, ...] = LAYERS, cache: pathlib.Path = fetch.CACHE
) -> Piano:
  """Fetches the samples and tunes them once; afterwards they are mapped."""
  path = cache / f'salamander-{"-".join(map(str, layers))}.npy'
  if not path.exists():
    samples = np.stack([_layer(layer, cache) for layer in layers])
    temporary = path.with_suffix('.tmp.npy')
    np.save(temporary, samples)
    temporary.rename(path)
  return Piano(np.load(path, mmap_mode='r'))


def play(piano: Piano, performance: Performance) -> Float[np.ndarray, ' N']:
  """The sound of a performance at 16 kHz, at the same loudness for all."""
  notes = sustained(performance)
  length = int((notes[:, 1].max() + _TAIL) * SAMPLE_RATE)
  waveform = np.zeros(length, np.float32)
  for start, end, pitch, velocity in notes:
    if _LOW <= pitch <= _HIGH:
      first = int(start * SAMPLE_RATE)
      sound = _note(piano, end - start, int(pitch), velocity)
      sound = sound[: length - first]
      waveform[first : first + len(sound)] += sound
  rms = np.sqrt(np.mean(waveform**2))
  return waveform * min(_RMS / rms, 0.95 / np.abs(waveform).max())


def _note(
    piano: Piano, seconds: float, pitch: int, velocity: float
) -> Float[np.ndarray, ' N']:
  """One key held for `seconds`: two layers mixed, then the damper."""
  last = len(piano.samples) - 1
  layer, mix = divmod(min((velocity - 1) / 126 * last, last - 1e-6), 1)
  release = _RELEASE if pitch < _LOWEST_UNDAMPED else _UNDAMPED_RELEASE
  length = int((seconds + 3 * release) * SAMPLE_RATE)
  soft, loud = piano.samples[
      int(layer) : int(layer) + 2, pitch - _LOW, :length
  ].astype(np.float32)
  sound = soft * np.float32(1 - mix) + loud * np.float32(mix)
  held = int(seconds * SAMPLE_RATE)
  fade = np.arange(max(len(sound) - held, 0), dtype=np.float32)
  sound[held:] *= np.exp(-2 * fade / (release * SAMPLE_RATE))
  return sound * np.float32(0.35 + 0.65 * velocity / 127)


def _layer(layer: int, cache: pathlib.Path) -> np.ndarray:
  """All keys of a velocity, each tuned from the nearest one recorded."""
  package = fetch.npm(f'@audio-samples/piano-velocity{layer}', '1.0.5', cache)
  recorded = {
      _pitch(path): _attack(*soundfile.read(path, dtype='float32'))
      for path in sorted((package / 'audio').glob('*.ogg'))
  }
  length = int(_SECONDS * SAMPLE_RATE)
  keys = np.zeros((_HIGH - _LOW + 1, length), np.float16)
  for pitch in range(_LOW, _HIGH + 1):
    nearest = min(recorded, key=lambda other: abs(other - pitch))
    sound, rate = recorded[nearest]
    tuned = soxr.resample(
        sound, rate * 2 ** ((pitch - nearest) / 12), SAMPLE_RATE
    )[:length]
    keys[pitch - _LOW, : len(tuned)] = tuned
  return keys


def _pitch(path: pathlib.Path) -> int:
  note, octave = re.match(r'([A-G]#?)(\d)v', path.name).groups()
  return _SEMITONES[note] + 12 * (int(octave) + 1)


def _attack(
    sound: Float[np.ndarray, 'N C'], rate: int
) -> tuple[Float[np.ndarray, ' N2'], int]:
  """Mono, starting 3 ms before the hammer."""
  mono = sound.mean(axis=1)
  loudness = np.abs(mono)
  onset = int(np.argmax(loudness > 0.02 * loudness.max()))
  start = max(0, onset - int(0.003 * rate))
  return mono[start : start + int(1.1 * _SECONDS * rate)], rate
