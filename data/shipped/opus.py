"""Sounds as Opus files, small enough to lie beside a text."""

import fractions
import io
import pathlib

import av
import numpy as np
from jaxtyping import Float

from audiolm_jax import files

BIT_RATE = 24000  # bit/s
_RATE = 48000  # Hz; what Opus counts its samples in, whatever it is given.


def write(
    path: pathlib.Path, waveform: Float[np.ndarray, ' N'], sample_rate: int
) -> None:
  """Writes mono Opus in Ogg, whole or not at all; libsndfile sets no rate."""
  content = io.BytesIO()
  with av.open(content, 'w', format='ogg') as container:
    stream = container.add_stream(
        'libopus', rate=_RATE, layout='mono', options={'vbr': 'constrained'}
    )
    stream.bit_rate = BIT_RATE
    for frame in [*_frames(waveform, sample_rate), None]:
      container.mux(stream.encode(frame))
  files.write(path, content.getvalue())


def _frames(
    waveform: Float[np.ndarray, ' N'], sample_rate: int
) -> list[av.AudioFrame]:
  """The waveform at the rate of the codec."""
  samples = np.float32(waveform).clip(-1.0, 1.0)[None]
  whole = av.AudioFrame.from_ndarray(samples, format='flt', layout='mono')
  whole.sample_rate = sample_rate
  whole.time_base = fractions.Fraction(1, sample_rate)
  resampler = av.AudioResampler(format='flt', layout='mono', rate=_RATE)
  return [*resampler.resample(whole), *resampler.resample(None)]
