"""Streams that libsndfile decodes, by blocks and without its seeks."""

import contextlib
import os
from collections.abc import Iterator, Sequence

import numpy as np
import soundfile
from jaxtyping import Float

from audiolm_jax.errors import UserError
from audiolm_jax.sound import notices
from audiolm_jax.sound.pieces import Piece, Pieces

_VALUES = 1 << 16  # Of a block, all channels together.
# An MP3 frame borrows bits from up to nine frames of 1152 samples before it.
_RUN_UP = 16384
_UNKNOWN = 1 << 47  # Headers of an unknown length count more samples than that.
# Where a seek finds the same samples as decoding does. GSM, G.721, NMS, DWVW
# and DPCM cannot seek.
_SEEKABLE = ('PCM_', 'FLOAT', 'DOUBLE', 'ULAW', 'ALAW', 'VORBIS', 'OPUS')
_SEEKABLE += ('MPEG_',)

ERRORS = (soundfile.SoundFileError, RuntimeError, TypeError, OSError)


class _Sequential(soundfile.SoundFile):
  """soundfile seeks after every block of what says that it can."""

  def seekable(self) -> bool:
    return False


class Sndfile:
  """A stream of one rate in a file or in pieces of one.

  Attributes:
    path: Path of the file.
    pieces: Pieces of the file that are decoded, one after the other; None: all.
    sample_rate: Hz.
    channels: Number of channels.
    format: libsndfile's name of it.
    frames: Samples by the header; only ever compared with what was decoded.
  """

  def __init__(
      self, path: str | os.PathLike, pieces: Sequence[Piece] | None = None
  ):
    """Opens it once to see what it is.

    Raises:
      One of ERRORS: libsndfile does not know it.
    """
    self.path = path
    self.pieces = pieces
    with self._open() as file:
      self.sample_rate = file.samplerate
      self.channels = file.channels
      self.format = file.format
      self.frames = file.frames
      self._can_seek = file.subtype.startswith(_SEEKABLE)

  def blocks(self, skip: int = 0) -> Iterator[Float[np.ndarray, 'N C']]:
    """Decodes from sample `skip` on.

    Raises:
      UserError: The file is damaged, or a FLAC that ends before it should.
    """
    with self._opened_at(skip) as (file, position):
      while True:
        block = self._block(file, position)
        if not len(block):
          break
        start, position = position, position + len(block)
        if position > skip:
          yield block[max(skip - start, 0) :]
    self._check(position)

  @contextlib.contextmanager
  def _open(self) -> Iterator[_Sequential]:
    if self.pieces is None:
      with _Sequential(_named(self.path)) as file:
        yield file
      return
    with contextlib.closing(Pieces(self.path, self.pieces)) as pieces:
      with _Sequential(pieces) as file:
        yield file
      if pieces.error:
        raise UserError(f'Cannot read {self.path}: {pieces.error.strerror}.')

  @contextlib.contextmanager
  def _opened_at(self, skip: int) -> Iterator[tuple[_Sequential, int]]:
    """Opens it in front of sample `skip`, at the start if there is no way."""
    target = skip - _RUN_UP
    with contextlib.ExitStack() as stack:
      file = stack.enter_context(self._open())
      position = 0
      if self._can_seek and 0 < target < self.frames:
        try:
          position = file.seek(target)
        except ERRORS:
          file = stack.enter_context(self._open())
      yield file, position

  def _block(
      self, file: _Sequential, position: int
  ) -> Float[np.ndarray, 'N C']:
    frames = max(_VALUES // self.channels, 256)
    if position < self.frames:
      frames = min(frames, self.frames - position)
    block = np.full((frames, self.channels), np.nan, np.float32)
    try:
      return file.read(out=block)
    except ERRORS as error:
      if self.frames < _UNKNOWN:
        if position < self.frames or not position:
          raise UserError(f'{self.path} is damaged ({error}).') from error
        return block[:0]  # Tags behind the sound.
      decoded = int(np.isfinite(block).all(axis=1).cumprod().sum())
      if not position + decoded:
        raise UserError(f'{self.path} is damaged ({error}).') from error
      seconds = (position + decoded) / self.sample_rate
      notices.say(
          self.path,
          f'cut off after {seconds:g} s, where its writer was stopped.',
      )
      return block[:decoded]

  def _check(self, position: int) -> None:
    """Compares what was decoded with what the header promised."""
    if not position < self.frames < _UNKNOWN:
      return
    if self.format == 'FLAC':
      raise UserError(
          f'{self.path} is cut short: only {position} of its {self.frames}'
          ' samples can be decoded.'
      )
    if self.frames - position > _RUN_UP:
      notices.say(
          self.path,
          f'its header tells of {self.frames / self.sample_rate:g} s, of which'
          f' {position / self.sample_rate:g} s are there.',
      )


def _named(path: str | os.PathLike) -> bytes | int:
  """A file for soundfile, which takes a .raw to be without a header."""
  path = os.fsencode(path)
  return os.open(path, os.O_RDONLY) if path.lower().endswith(b'.raw') else path
