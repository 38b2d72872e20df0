"""A file as a decoder should see it: parts of a real one, bytes between them.

Decoders believe headers. Where a header is wrong, they get a right one in front
of the sound as it stands in the file, and nothing is copied.
"""

import bisect
import io
import itertools
import os
from collections.abc import Sequence
from typing import NamedTuple


class Span(NamedTuple):
  """Bytes `start` to `stop` of the real file."""

  start: int
  stop: int


Piece = bytes | Span


def size(pieces: Sequence[Piece]) -> int:
  """Returns the bytes that pieces hold together."""
  return sum(map(_size, pieces))


class Pieces:
  """A file as `soundfile` needs it: read, seek and tell.

  The reader of such an object is C code that cannot see an exception: an error
  of the disk reads as the end of the file, and `error` keeps it.
  """

  def __init__(self, path: str | os.PathLike, pieces: Sequence[Piece]):
    self._file = open(path, 'rb', buffering=1 << 16)
    self._pieces = pieces
    self._ends = list(itertools.accumulate(map(_size, pieces)))
    self._position = 0
    self.error: OSError | None = None

  def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
    """Moves as files do, and never in front of the first byte."""
    base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position}
    self._position = max(base.get(whence, self._ends[-1]) + offset, 0)
    return self._position

  def tell(self) -> int:
    """Returns the position in bytes."""
    return self._position

  def read(self, count: int) -> bytes:
    """Returns at most `count` bytes; fewer only at the end."""
    parts = []
    while count > 0 and self._position < self._ends[-1]:
      part = self._part(count)
      if not part:
        break
      parts.append(part)
      self._position += len(part)
      count -= len(part)
    return b''.join(parts)

  def close(self) -> None:
    """Closes the real file."""
    self._file.close()

  def _part(self, count: int) -> bytes:
    """Reads from the one piece in which the position lies."""
    index = bisect.bisect_right(self._ends, self._position)
    piece = self._pieces[index]
    offset = self._position - self._ends[index] + _size(piece)
    if isinstance(piece, bytes):
      return piece[offset : offset + count]
    try:
      self._file.seek(piece.start + offset)
      return self._file.read(min(count, _size(piece) - offset))
    except OSError as error:
      self.error = error
      return b''


def _size(piece: Piece) -> int:
  return len(piece) if isinstance(piece, bytes) else piece.stop - piece.start
