"""WAVs that are sent while they are made."""

import io
import wave

import numpy as np
from jaxtyping import Float, Int16

Waveform = Float[np.ndarray, ' _']

_BYTES = 2  # A sample has so many.


def header(sample_rate: int, num_samples: int) -> bytes:
  """The beginning of a mono WAV of 16 bits that will have so many samples."""
  content = io.BytesIO()
  with wave.open(content, 'wb') as file:
    file.setnchannels(1)
    file.setsampwidth(_BYTES)
    file.setframerate(sample_rate)
    file.setnframes(num_samples)
    file.writeframesraw(b'')
    # When it is closed it says how many samples it holds: none.
    return content.getvalue()


def samples(waveform: Waveform) -> Int16[np.ndarray, ' N']:
  """Samples of 16 bits; what is beyond full scale is clipped."""
  return (np.clip(waveform, -1, 1) * 32767).round().astype('<i2')
