"""Waveforms in and out: any format, channel count and rate. Knows no model."""

import contextlib
import io
import os
import pathlib
from collections.abc import Callable, Iterator

import numpy as np
import soundfile
import soxr
from jaxtyping import Float

from audiolm_jax.errors import UserError

# An MP3 frame borrows bits from up to nine frames of 1152 samples before it.
_RUN_UP = 16384


def read(
    path: str | os.PathLike,
    sample_rate: int,
    start_seconds: float = 0.0,
    seconds: float | None = None,
) -> Float[np.ndarray, ' N']:
  """Reads a file as mono at `sample_rate`; a crop is sought, not decoded up to.

  Args:
    path: Anything libsndfile reads: WAV, FLAC, Ogg, Opus, MP3, AIFF, ...
    sample_rate: Of the result, in Hz.
    start_seconds: Where the crop starts.
    seconds: Length of the crop; it is shorter where the file ends.

  Raises:
    UserError: The file is missing, empty, damaged or not audio.
  """
  with _open(path) as file:
    start, wanted = _crop(file, path, start_seconds, seconds)
    samples = _decode(file, path, start, wanted)
    return _resample(samples.mean(axis=1), file.samplerate, sample_rate)


def convert(
    waveform: Float[np.ndarray, ' N'] | Float[np.ndarray, 'N C'],
    source_rate: int,
    target_rate: int,
) -> Float[np.ndarray, ' N2']:
  """Channels averaged, at another sample rate, float32."""
  mono = waveform.reshape(len(waveform), -1).mean(axis=1, dtype=np.float32)
  return _resample(mono, source_rate, target_rate)


def num_samples(
    path: str | os.PathLike,
    sample_rate: int,
    start_seconds: float = 0.0,
    seconds: float | None = None,
) -> int:
  """How many samples `read` gives, from the header alone."""
  with _open(path) as file:
    _, wanted = _crop(file, path, start_seconds, seconds)
    return _resampled_length(wanted, file.samplerate, sample_rate)


def duration(path: str | os.PathLike) -> float:
  """Length in seconds, from the header alone."""
  with _open(path) as file:
    return file.frames / file.samplerate


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
    write_bytes(path, content.getvalue())


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
    What appends a piece.

  Raises:
    UserError: It cannot be written.
  """
  path = pathlib.Path(path)
  temporary = path.with_name(f'.{path.name}.tmp')

  def append(piece: Float[np.ndarray, ' N']) -> None:
    with _naming(path):
      file.write(np.clip(piece, -1.0, 1.0))

  try:
    with _naming(path):
      file = soundfile.SoundFile(
          temporary, 'w', sample_rate, 1, 'PCM_16', format='WAV'
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


def write_bytes(path: pathlib.Path, content: bytes, writer: str = '') -> None:
  """Writes a file that takes its name only when complete.

  Args:
    path: Beside it `.NAME.tmp` is written, which a killed process leaves behind
      and the next attempt replaces.
    content: All of the file.
    writer: Tells those apart that may write the same file at the same time.
  """
  temporary = path.with_name(f'.{path.name}{writer}.tmp')
  try:
    temporary.write_bytes(content)
    temporary.replace(path)
  finally:
    temporary.unlink(missing_ok=True)


def pad_to_multiple(
    waveform: Float[np.ndarray, '*B N'], multiple: int
) -> Float[np.ndarray, '*B N2']:
  """Appends silence up to the next positive multiple of `multiple` samples."""
  length = waveform.shape[-1]
  target = max(-(-length // multiple), 1) * multiple
  widths = [(0, 0)] * (waveform.ndim - 1) + [(0, target - length)]
  return np.pad(waveform, widths)


def _open(path: str | os.PathLike) -> soundfile.SoundFile:
  if not os.path.isfile(path):
    raise UserError(f'{path}: no such audio file.')
  try:
    file = soundfile.SoundFile(path)
  except (soundfile.LibsndfileError, TypeError) as error:
    # soundfile raises TypeError for '.raw', whose format it cannot know.
    raise UserError(
        f'{path} is not audio that libsndfile reads ({error}); convert it to'
        ' WAV or FLAC.'
    ) from error
  if file.frames == 0:
    file.close()
    raise UserError(f'{path} holds no audio samples.')
  return file


def _crop(
    file: soundfile.SoundFile,
    path: str | os.PathLike,
    start_seconds: float,
    seconds: float | None,
) -> tuple[int, int]:
  """Where a crop starts and how long it is, in samples of the file."""
  start = round(start_seconds * file.samplerate)
  wanted = file.frames - start
  if seconds is not None:
    wanted = min(wanted, round(seconds * file.samplerate))
  if wanted <= 0:
    raise UserError(
        f'{path}: no audio to read at {start_seconds:g} s; the file lasts'
        f' {file.frames / file.samplerate:g} s.'
    )
  return start, wanted


def _decode(
    file: soundfile.SoundFile,
    path: str | os.PathLike,
    start: int,
    frames: int,
) -> Float[np.ndarray, 'N C']:
  run_up = min(start, _RUN_UP)
  try:
    file.seek(start - run_up)
    samples = file.read(run_up + frames, dtype='float32', always_2d=True)
  except soundfile.LibsndfileError as error:
    raise UserError(f'{path} is damaged ({error}).') from error
  samples = samples[run_up:]
  if len(samples) < frames:
    raise UserError(
        f'{path} is cut short: only {start + len(samples)} of its'
        f' {file.frames} samples can be decoded.'
    )
  if not np.isfinite(samples).all():
    raise UserError(f'{path} holds samples that are NaN or infinite.')
  return samples


def _resample(
    waveform: Float[np.ndarray, ' N'], source_rate: int, target_rate: int
) -> Float[np.ndarray, ' N2']:
  """Exactly round(N * target / source) samples, and never none."""
  if source_rate == target_rate:
    return waveform
  length = _resampled_length(len(waveform), source_rate, target_rate)
  resampled = soxr.resample(waveform, source_rate, target_rate)[:length]
  return np.pad(resampled, (0, length - len(resampled)))


def _resampled_length(length: int, source_rate: int, target_rate: int) -> int:
  return max(round(length * target_rate / source_rate), 1)
