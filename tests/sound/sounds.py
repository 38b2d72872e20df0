"""Sounds and files of them that the tests take apart."""

import io
import pathlib

import av
import numpy as np
import soundfile

RATE = 16000


def chirp(seconds: float = 3.0, rate: int = RATE) -> np.ndarray:
  """A sweep that is nowhere what it is elsewhere."""
  time = np.arange(round(seconds * rate)) / rate
  return (0.3 * np.sin(2 * np.pi * (200 * time + 150 * time**2))).astype('f4')


def encoded(
    format_: str, subtype: str, waveform=None, rate=RATE, **how
) -> bytes:
  """A file of libsndfile's making."""
  content = io.BytesIO()
  waveform = chirp() if waveform is None else waveform
  soundfile.write(
      content, waveform, rate, format=format_, subtype=subtype, **how
  )
  return content.getvalue()


def by_ffmpeg(
    path: pathlib.Path, format_: str, codec: str, rate: int, bit_rate=64000
) -> pathlib.Path:
  """A file that libsndfile could not make."""
  waveform = chirp(3.0, rate)
  with av.open(str(path), 'w', format=format_) as container:
    stream = container.add_stream(codec, rate=rate, layout='mono')
    stream.bit_rate = bit_rate
    stream.codec_context.open()
    size = stream.codec_context.frame_size or 1024
    for start in range(0, len(waveform), size):
      frame = av.AudioFrame.from_ndarray(
          waveform[None, start : start + size], format='fltp', layout='mono'
      )
      frame.sample_rate, frame.pts = rate, start
      container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
  return path


def likeness(heard: np.ndarray, said: np.ndarray, shift: int = 0) -> float:
  """Correlation from where `heard` is late by `shift` samples."""
  length = min(len(heard) - shift, len(said))
  return np.corrcoef(heard[shift : shift + length], said[:length])[0, 1]
