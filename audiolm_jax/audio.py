"""Waveforms in and out: any format, channel count and rate. Knows no model."""

import contextlib
import io
import os
import pathlib
from collections.abc import Callable, Iterator
from typing import NamedTuple, NoReturn

import numpy as np
import soundfile
from jaxtyping import Float

from audiolm_jax import files
from audiolm_jax.errors import UserError
from audiolm_jax.sound import decoding, downmix, mono, resampling


class Sound(NamedTuple):
  """A waveform that knows its rate, for borders where one could get lost.

  Attributes:
    samples: Mono, from -1 to 1.
    sample_rate: Samples a second.
  """

  samples: Float[np.ndarray, ' N']
  sample_rate: int

  def at(self, sample_rate: int) -> Float[np.ndarray, ' N2']:
    """Returns the samples at another rate; as they are if it is theirs."""
    if sample_rate == self.sample_rate or not len(self.samples):
      return np.asarray(self.samples, np.float32)
    return convert(self.samples, self.sample_rate, sample_rate)


def read(
    path: str | os.PathLike,
    sample_rate: int,
    start_seconds: float = 0.0,
    seconds: float | None = None,
) -> Float[np.ndarray, ' N']:
  """Reads a file as mono at `sample_rate`; a crop is sought, not decoded up to.

  Args:
    path: Anything libsndfile reads: WAV, FLAC, Ogg, Opus, MP3, AIFF, ...; with
      the extra `formats` what FFmpeg reads, too: M4A, MP4, WebM, WMA, ...
    sample_rate: Sample rate of the result, in Hz.
    start_seconds: Start of the crop, in seconds.
    seconds: Length of the crop; it is shorter where the file ends.

  Raises:
    UserError: The file is missing, empty, damaged or not audio.
  """
  samples = bytearray()  # Grows in place; an array would be copied.
  try:
    for run in decoding.runs(path, start_seconds, seconds):
      # Only the end of a run tells what its mix has lost; it is decoded again.
      before = len(samples)
      loudest = mono.append(samples, run, path, sample_rate, None)
      if loudest is not None:
        del samples[before:]
        mono.append(samples, run, path, sample_rate, loudest)
  except MemoryError as error:
    raise UserError(
        f'{path} is too long to be held in memory; cut it into parts.'
    ) from error
  if not samples:
    _refuse_empty(path, start_seconds)
  # A view: the samples are in memory once.
  return np.frombuffer(samples, np.float32)


def convert(
    waveform: Float[np.ndarray, ' N'] | Float[np.ndarray, 'N C'],
    source_rate: int,
    target_rate: int,
) -> Float[np.ndarray, ' N2']:
  """One channel, mixed as `read` does, at another sample rate, float32."""
  channels = waveform.reshape(len(waveform), -1).astype(np.float32, copy=False)
  mixed = iter([downmix.mono(channels)])
  return np.concatenate(
      list(resampling.resampled(mixed, source_rate, target_rate))
  )


def num_samples(
    path: str | os.PathLike,
    sample_rate: int,
    start_seconds: float = 0.0,
    seconds: float | None = None,
) -> int:
  """Returns how many samples `read` gives; this, too, decodes the crop."""
  lengths = [
      resampling.length(frames, rate, sample_rate)
      for frames, rate in mono.lengths(path, start_seconds, seconds)
  ]
  if not lengths:
    _refuse_empty(path, start_seconds)
  return sum(lengths)


def duration(path: str | os.PathLike) -> float:
  """Length in seconds, from decoding: headers may err."""
  seconds = sum(frames / rate for frames, rate in mono.lengths(path))
  if not seconds:
    _refuse_empty(path, 0.0)
  return seconds


def write(
    path: str | os.PathLike,
    waveform: Float[np.ndarray, ' N'],
    sample_rate: int,
) -> None:
  """Writes a 16-bit WAV: the whole file appears at once, or none of it."""
  content = io.BytesIO()
  clipped = np.clip(waveform, -1.0, 1.0)
  soundfile.write(content, clipped, sample_rate, format='WAV', subtype='PCM_16')
  path = pathlib.Path(path)
  with _naming(path):
    files.write(path, content.getvalue())


@contextlib.contextmanager
def writing(
    path: str | os.PathLike, sample_rate: int
) -> Iterator[Callable[[Float[np.ndarray, ' N']], None]]:
  """Writes what `write` would, piece by piece, as the pieces come.

  Args:
    path: Takes its name when all is written; until then, and after a kill,
      there is `.NAME.tmp` beside it.
    sample_rate: Hz.

  Yields:
    A function that appends a piece.

  Raises:
    UserError: The file cannot be written.
  """
  path = pathlib.Path(path)
  temporary = files.temporary(path)

  def append(piece: Float[np.ndarray, ' N']) -> None:
    with _naming(path):
      file.write(np.clip(piece, -1.0, 1.0))

  try:
    with _naming(path):
      # Bytes, as soundfile fails at names that are not UTF-8. The format is
      # said because `.tmp` does not tell it.
      file = soundfile.SoundFile(
          os.fsencode(temporary), 'w', sample_rate, 1, 'PCM_16', format='WAV'
      )
    with file:
      yield append
    with _naming(path):
      temporary.replace(path)
  finally:
    temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _naming(path: pathlib.Path) -> Iterator[None]:
  """Says which file cannot be written."""
  try:
    yield
  except soundfile.LibsndfileError as error:
    raise UserError(
        f'Cannot write {path} ({error}); is the disk full?'
    ) from error
  except OSError as error:
    raise UserError(f'Cannot write {path}: {error.strerror}.') from error


def pad_to_multiple(
    waveform: Float[np.ndarray, '*B N'], multiple: int
) -> Float[np.ndarray, '*B N2']:
  """Appends silence up to the next positive multiple of `multiple` samples."""
  length = waveform.shape[-1]
  target = max(-(-length // multiple), 1) * multiple
  widths = [(0, 0)] * (waveform.ndim - 1) + [(0, target - length)]
  return np.pad(waveform, widths)


def _refuse_empty(path: str | os.PathLike, start_seconds: float) -> NoReturn:
  lasts = sum(frames / rate for frames, rate in mono.lengths(path))
  if not lasts:
    raise UserError(f'{path} holds no audio samples.')
  raise UserError(
      f'{path}: no audio to read at {start_seconds:g} s; the file lasts'
      f' {lasts:g} s.'
  )
