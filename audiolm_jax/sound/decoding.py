"""Any file as runs of samples: how long they are, decoding tells."""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from audiolm_jax.errors import UserError
from audiolm_jax.sound import (
    containers,
    flac,
    mpeg,
    notices,
    ogg,
    unfinished,
    wav,
)
from audiolm_jax.sound.pieces import Piece, Span, size
from audiolm_jax.sound.sndfile import ERRORS, Sndfile

_MPEG_NAMES = ('.mp3', '.mp2', '.mp1', '.mpga')
_RATES = 100, 10_000_000  # Hz; others are no sound, and would fill any memory.

Blocks = Iterator[Float[np.ndarray, 'N C']]


@runtime_checkable
class Stream(Protocol):
  """Samples of one rate, as a decoder makes them of a file."""

  sample_rate: int
  channels: int

  def blocks(self, skip: int = 0) -> Blocks:
    """Decodes from sample `skip` on."""


class Run(NamedTuple):
  """Samples of one rate and channel count.

  Attributes:
    sample_rate: Hz.
    channels: Number of channels.
    blocks: Decodes them, each time from the start.
  """

  sample_rate: int
  channels: int
  blocks: Callable[[], Blocks]


def runs(
    path: str | os.PathLike,
    start_seconds: float = 0.0,
    seconds: float | None = None,
) -> Iterator[Run]:
  """Yields the runs of a crop, each to be decoded before the next is asked for.

  Args:
    path: Path of the file.
    start_seconds: Start of the crop, in seconds.
    seconds: Length of the crop, in seconds; it is shorter where the file ends.

  Raises:
    UserError: The file is missing, damaged or no audio.
  """
  ahead, left = start_seconds, seconds
  for stream in _streams(path):
    rate = stream.sample_rate
    skip = max(round(ahead * rate), 0)
    wanted = None if left is None else round(left * rate)
    if wanted is not None and wanted <= 0:
      return
    counted = _Counted(stream, skip, wanted)
    yield Run(rate, stream.channels, counted.blocks)
    if left is not None:
      left -= counted.frames / rate
    # A stream without a sample of the crop may lie before it. How long it is,
    # decoding tells: headers may err.
    if counted.frames or not skip:
      ahead = 0.0
    else:
      ahead -= sum(map(len, stream.blocks())) / rate


class _Counted:
  """Some of a stream, and how many samples it turned out to be."""

  def __init__(self, stream: Stream, skip: int, wanted: int | None):
    self._stream = stream
    self._skip = skip
    self._wanted = wanted
    self.frames = 0

  def blocks(self) -> Blocks:
    # A run may be decoded twice (audio.read); the last time counts.
    self.frames = 0
    for block in self._stream.blocks(self._skip):
      if self._wanted is not None:
        block = block[: self._wanted - self.frames]
      self.frames += len(block)
      yield block
      if self.frames == self._wanted:
        return


def _streams(path: str | os.PathLike) -> Iterator[Stream]:
  try:
    _check_readable(path)
    for stream in _opened(path):
      low, high = _RATES
      if not low <= stream.sample_rate <= high:
        raise UserError(
            f'{path} claims {stream.sample_rate} samples a second, which is'
            ' no sound; is its header damaged?'
        )
      yield stream
  except OSError as error:
    raise UserError(f'Cannot read {path}: {error.strerror}.') from error


def _check_readable(path: str | os.PathLike) -> None:
  if not os.path.isfile(path):
    raise UserError(f'{path}: no such audio file.')
  with open(path, 'rb') as file:
    head = file.read(32)
  if not head:
    raise UserError(f'{path} is empty: it has no bytes.')
  if head.startswith(b'version https://git-lfs'):
    raise UserError(
        f'{path} is a pointer of git-lfs and not the audio; run git lfs pull.'
    )


def _opened(path: str | os.PathLike) -> Iterator[Stream]:
  """The streams of a file, by the decoder that knows it."""
  # Before libsndfile, which believes an MP3's first frame about the length.
  if mpeg.begins(path):
    yield from _mpeg(path)
    return
  try:
    whole = Sndfile(path)
  except ERRORS as error:
    yield from _unknown(path, str(error))
    return
  if whole.format in ('WAV', 'WAVEX', 'RF64'):
    yield _wav(path, whole) or whole
  elif whole.format == 'MP3' and mpeg.streams(path):
    yield from _mpeg(path)
  elif whole.format == 'OGG':
    yield from _linked(path, whole, ogg.links(path))
  elif whole.format == 'FLAC':
    yield from _linked(path, whole, flac.links(os.fspath(path)))
  else:
    yield _mended(path, unfinished.mended(path), whole) or whole


def _unknown(path: str | os.PathLike, reason: str) -> Iterator[Stream]:
  """Streams of a file that libsndfile does not open as it stands."""
  found = _wav(path, None)
  if found:
    yield found
  elif os.fspath(path).lower().endswith(_MPEG_NAMES) and mpeg.streams(path):
    yield from _mpeg(path)
  else:
    yield containers.open_container(path, reason)


def _wav(path: str | os.PathLike, whole: Sndfile | None) -> Sndfile | None:
  return _mended(path, wav.mended(path), whole)


def _mended(
    path: str | os.PathLike,
    pieces: Sequence[Piece] | None,
    whole: Sndfile | None,
) -> Sndfile | None:
  if not pieces:
    return None
  try:
    found = Sndfile(path, pieces)
  except ERRORS:
    return None
  if whole and found.frames != whole.frames:
    notices.say(path, 'its header is unfinished; read to its end.')
  return found


def _mpeg(path: str | os.PathLike) -> Iterator[Stream]:
  """Frames behind right headers; a file whose header is right as it stands."""
  found = mpeg.streams(path)
  if len(found) == 1 and found[0].is_sound:
    yield from _part(path, None)
    return
  for stream in found:
    promised = stream.promised_seconds
    # Longer than a frame of an MP3: one too many is no loss.
    if promised and promised > stream.seconds + 0.1:
      notices.say(
          path,
          f'cut short: its header promises {promised:g} s, of which'
          f' {stream.seconds:g} s are there.',
      )
    yield from _part(path, stream.pieces(path))


def _linked(
    path: str | os.PathLike, whole: Sndfile, links: Sequence[Span]
) -> Iterator[Stream]:
  # libsndfile hears the first stream, and there is no other.
  if len(links) < 2:
    yield whole
    return
  for link in links:
    yield from _part(path, [link])


def _part(
    path: str | os.PathLike, pieces: Sequence[Piece] | None
) -> Iterator[Stream]:
  """A stream; what cannot be decoded is told and left out."""
  try:
    yield Sndfile(path, pieces)
  except ERRORS as error:
    lost = os.path.getsize(path) if pieces is None else size(pieces)
    notices.say(
        path,
        f'{lost} of its bytes are lost: they cannot be decoded ({error}).',
    )
