"""AU, AIFF and CAF whose size was never written, as of killed recorders."""

import os
from collections.abc import Callable
from typing import BinaryIO, Literal

from audiolm_jax.sound.pieces import Piece, Span

_HEADER_END = 12
_MOST_CHUNKS = 10000
# Sound behind the size that a header tells, and no odd bytes of some writer.
_LEAST_BYTES = 4096

Order = Literal['big', 'little']


def mended(path: str | os.PathLike) -> list[Piece] | None:
  """Returns a file with the size that its writer did not get to write.

  Returns:
    None where the file is none of these, or needs no mending.
  """
  end = os.path.getsize(path)
  with open(path, 'rb') as file:
    mend = _MENDS.get(_at(file, 0, 4))
    return mend(file, end) if mend else None


def _au(order: Order) -> Callable[[BinaryIO, int], list[Piece] | None]:
  def mend(file: BinaryIO, end: int) -> list[Piece] | None:
    start = int.from_bytes(_at(file, 4, 4), order)
    told = int.from_bytes(_at(file, 8, 4), order)
    # Nothing may stand behind the sound of an AU.
    if told in (0xFFFFFFFF, end - start) or not 24 <= start < end:
      return None
    size = min(end - start, 0xFFFFFFFF).to_bytes(4, order)
    return [_at(file, 0, 8) + size, Span(12, end)]

  return mend


def _aiff(file: BinaryIO, end: int) -> list[Piece] | None:
  return _chunked(file, end, _HEADER_END, b'SSND', 4)


def _caf(file: BinaryIO, end: int) -> list[Piece] | None:
  return _chunked(file, end, 8, b'data', 8)


def _chunked(
    file: BinaryIO, end: int, position: int, name: bytes, size_bytes: int
) -> list[Piece] | None:
  """Lets the chunk of the sound reach the end, unless chunks are behind it.

  Args:
    file: The file.
    end: Its size.
    position: Offset of the first chunk, in bytes.
    name: Name of the chunk that holds the sound.
    size_bytes: Bytes in which a chunk tells its size, the highest first.
  """
  for _ in range(_MOST_CHUNKS):
    head = _at(file, position, 4 + size_bytes)
    body = position + len(head)
    if len(head) < 4 + size_bytes:
      return None
    size = int.from_bytes(head[4:], 'big', signed=size_bytes == 8)
    # AIFF pads chunks to even sizes, CAF does not.
    behind = body + size + (size % 2 if size_bytes == 4 else 0)
    if head[:4] == name:
      if size < 0 or end - behind < _LEAST_BYTES or _is_chunk(file, behind):
        return None
      told = (end - body).to_bytes(size_bytes, 'big')
      return [Span(0, position + 4), told, Span(body, end)]
    position = behind
  return None


def _is_chunk(file: BinaryIO, position: int) -> bool:
  return all(0x20 <= byte < 0x7F for byte in _at(file, position, 4))


def _at(file: BinaryIO, position: int, count: int) -> bytes:
  file.seek(position)
  return file.read(count)


_MENDS = {
    b'.snd': _au('big'),
    b'dns.': _au('little'),
    b'FORM': _aiff,
    b'caff': _caf,
}
