"""MPEG audio by its frames: where its header errs or streams follow another.

libsndfile believes the first frame of an MP3 about the length of the file, or
guesses it from the bit rate; what stands behind that it does not decode.
"""

import os
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from audiolm_jax.sound import mpeg_header
from audiolm_jax.sound.mpeg_header import Kind
from audiolm_jax.sound.pieces import Piece, Span, size
from audiolm_jax.sound.remembering import remembered

_WINDOW = 1 << 16
_LEAST_FRAMES = 3  # In a row; fewer are bytes that look like frames.


class _Found(NamedTuple):
  """A frame: where it stands, and whether it is a tag."""

  span: Span
  kind: Kind
  is_tag: bool


class Stream:
  """Frames of one kind, in runs of bytes without anything between.

  Attributes:
    kind: Kind of the frames.
    tag: Span of the frame that tells of the others, or None.
    runs: Spans of the other frames, in bytes.
    frames: Number of the other frames.
    promised: Number of frames by the tag, or None.
  """

  def __init__(self, kind: Kind, tag: Span | None):
    self.kind = kind
    self.tag = tag
    self.runs: list[Span] = []
    self.frames = 0
    self.promised: int | None = None

  def add(self, span: Span) -> None:
    """Appends a frame."""
    self.frames += 1
    if self.runs and self.runs[-1].stop == span.start:
      span = Span(self.runs.pop().start, span.stop)
    self.runs.append(span)

  @property
  def is_sound(self) -> bool:
    """Returns whether a decoder that believes the tag decodes every frame."""
    start = self.tag.stop if self.tag else None
    in_one = len(self.runs) == 1 and self.runs[0].start == start
    return in_one and (self.promised or 0) - self.frames in (0, 1)

  @property
  def seconds(self) -> float:
    """Returns how long it lasts, with what its writer added."""
    return self.frames * self.kind.samples / self.kind.rate

  @property
  def promised_seconds(self) -> float | None:
    """Returns how long the tag says that it lasts."""
    if self.promised is None:
      return None
    return self.promised * self.kind.samples / self.kind.rate

  def pieces(self, path: str | os.PathLike) -> list[Piece]:
    """Returns the frames behind a tag that counts them rightly."""
    length = size(self.runs)
    with open(path, 'rb') as file:
      tag = None
      if self.tag:
        tag = mpeg_header.corrected(
            _read(file, self.tag), self.kind, self.frames, length
        )
      if tag is None and self.kind.layer == 3:
        head = _read(file, Span(self.runs[0].start, self.runs[0].start + 4))
        tag = mpeg_header.tag_frame(head, self.kind, self.frames, length)
    return [*([tag] if tag else []), *self.runs]


def begins(path: str | os.PathLike) -> bool:
  """Returns whether a file begins with frames, or with tags and frames."""
  with open(path, 'rb', buffering=_WINDOW) as file:
    end = os.fstat(file.fileno()).st_size
    position = 0
    while (head := _read(file, Span(position, position + 10)))[:3] == b'ID3':
      position += 10 + mpeg_header.syncsafe(head[6:])
    return position < end and _row(file, position, end)


@remembered
def streams(path: str) -> list[Stream]:
  """Finds the streams of a file by walking all of its frames."""
  found: list[Stream] = []
  with open(path, 'rb', buffering=_WINDOW) as file:
    for frame in _frames(file):
      if frame.is_tag:
        found.append(Stream(frame.kind, frame.span))
        told = _read(file, frame.span)
        found[-1].promised = mpeg_header.counted(told, frame.kind)
        continue
      if not found or found[-1].kind != frame.kind:
        found.append(Stream(frame.kind, None))
      found[-1].add(frame.span)
  return [stream for stream in found if stream.frames]


def _frames(file: BinaryIO) -> Iterator[_Found]:
  end = os.fstat(file.fileno()).st_size
  position, kind = 0, None
  while position < end:
    frame = mpeg_header.parse(_read(file, Span(position, position + 4)))
    if frame is None or frame.kind != kind:
      position = _synchronised(file, position, end)
      frame = mpeg_header.parse(_read(file, Span(position, position + 4)))
    if frame is None or position + frame.length > end:
      return
    span = Span(position, position + frame.length)
    # A tag stands where streams begin; the frames between need no look.
    head = _read(file, Span(position, position + 40))
    yield _Found(span, frame.kind, mpeg_header.is_tag(head, frame.kind))
    position, kind = span.stop, frame.kind


def _synchronised(file: BinaryIO, position: int, end: int) -> int:
  """The next place at which frames of one kind follow each other."""
  while position < end:
    window = _read(file, Span(position, position + _WINDOW))
    if window[:3] == b'ID3' and max(window[6:10], default=128) < 128:
      position += 10 + mpeg_header.syncsafe(window[6:10])
      continue
    at = window.find(b'\xff')
    tag = window.find(b'ID3', 1)
    if 0 <= tag < at or (at < 0 <= tag):
      at = tag
    if at < 0:
      position += max(len(window) - 3, 1)
    elif window[at] == 0xFF and _row(file, position + at, end):
      return position + at
    else:
      position += at + (window[at] == 0xFF)
  return end


def _row(file: BinaryIO, position: int, end: int) -> bool:
  """Returns whether frames of one kind stand here in a row, or to the end."""
  kind = None
  for count in range(_LEAST_FRAMES):
    if position == end and count:
      return True
    frame = mpeg_header.parse(_read(file, Span(position, position + 4)))
    if frame is None or frame.kind != (kind or frame.kind):
      return False
    position, kind = position + frame.length, frame.kind
  return True


def _read(file: BinaryIO, span: Span) -> bytes:
  file.seek(span.start)
  return file.read(span.stop - span.start)
