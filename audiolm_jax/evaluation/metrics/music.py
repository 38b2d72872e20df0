"""Does music go on as it began? Pitch classes and onsets of two waveforms.

AudioLM's piano continuations are judged by listeners (s. IV-I); these are what
a machine can say of harmony and rhythm.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from audiolm_jax.evaluation.tables import Missing, missing

# Notes that are quieter are not played: full scale is 0 dB.
SILENCE_DBFS = -70.0
# From the piano's lowest C, as many octaves as 16 kHz can hold.
_LOWEST_HZ = 32.703
_OCTAVES = 7
# At twice this, librosa hears nearly twice the onsets that are written down for
# held-out piano; at this, 2.54 a second for 2.43.
_HOP_SECONDS = 0.016


class Sound(NamedTuple):
  """Features of the sound of an excerpt.

  Attributes:
    chroma: Mean energy of the pitch classes from C on, of unit length; zeros
      for silence.
    onsets_per_second: Number of onsets a second.
  """

  chroma: Float[np.ndarray, '12']
  onsets_per_second: float


def missing_library() -> Missing | None:
  """Says how to install what `listen` needs, if it is not there."""
  try:
    import librosa  # noqa: F401
  except ImportError:
    return missing('librosa')
  return None


def listen(waveform: Float[np.ndarray, ' N'], sample_rate: int) -> Sound:
  """Constant-Q chroma and onsets, as librosa finds them."""
  import librosa

  level = np.sqrt(np.mean(np.square(waveform))) if len(waveform) else 0.0
  if level < 10 ** (SILENCE_DBFS / 20):
    return Sound(np.zeros(12), 0.0)
  mono = np.asarray(waveform, np.float32)
  chroma = librosa.feature.chroma_cqt(
      y=mono, sr=sample_rate, fmin=_LOWEST_HZ, n_octaves=_OCTAVES, norm=None
  ).mean(axis=1)
  onsets = librosa.onset.onset_detect(
      y=mono, sr=sample_rate, hop_length=round(_HOP_SECONDS * sample_rate)
  )
  return Sound(
      chroma / max(np.linalg.norm(chroma), 1e-12),
      len(onsets) * sample_rate / len(mono),
  )


def chroma_agreement(prompt: Sound, continuation: Sound) -> float:
  """Cosine of the mean chroma: 1 for the same harmony, 0 for silence.

  NaN where the prompt itself is silent.
  """
  if not prompt.chroma.any():
    return float('nan')
  return float(prompt.chroma @ continuation.chroma)


def key_agreement(prompt: Sound, continuation: Sound) -> float:
  """Correlation of the mean chroma: 0 for unrelated keys, 0 for silence.

  The cosine without what all keys share. NaN where the prompt is silent.
  """
  if not prompt.chroma.any():
    return float('nan')
  first, second = (
      sound.chroma - sound.chroma.mean() for sound in (prompt, continuation)
  )
  scale = np.linalg.norm(first) * np.linalg.norm(second)
  return float(first @ second / scale) if scale > 0 else 0.0


def onset_agreement(prompt: Sound, continuation: Sound) -> float:
  """Ratio of the onset densities, the smaller over the larger.

  1 for the same tempo, 0 where only one of them has onsets; NaN where neither
  has.
  """
  densities = prompt.onsets_per_second, continuation.onsets_per_second
  if not any(densities):
    return float('nan')
  return float(min(densities) / max(densities))
