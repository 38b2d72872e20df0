"""WAVs whose chunks are not in order: recorders are killed, writers err."""

import os
from typing import BinaryIO, NamedTuple

from audiolm_jax.sound import mpeg_header
from audiolm_jax.sound.pieces import Piece, Span

_HEADER = 8  # A chunk's name and size.
_LARGEST = 0xFFFFFFFF  # Says to readers that the size is unknown.
_UNKNOWN = _LARGEST.to_bytes(4, 'little')
_NAMES = (b'RIFF', b'RF64', b'BW64')
_MOST_CHUNKS = 10000
# Sound behind the size that a header tells, and no odd bytes of some writer.
_LEAST_SECONDS = 0.5


class Chunk(NamedTuple):
  """A chunk of a RIFF file; its body stands from `start` to `stop`."""

  name: bytes
  start: int
  stop: int


def mended(path: str | os.PathLike) -> list[Piece] | None:
  """Returns a WAV with the header that its writer did not get to write.

  Sizes may be those of an empty or a shorter file with sound behind, the format
  may stand behind the sound, and pad bytes may be missing.

  Returns:
    None where the file is no RIFF file or needs no mending.
  """
  with open(path, 'rb') as file:
    chunks = _chunks(file)
    form = next((c for c in chunks if c.name == b'fmt '), None)
    data = next((c for c in chunks if c.name == b'data'), None)
    told = data and _at(file, data.start - 4, 4)
    if told == _UNKNOWN:
      data = _measured(file, data, chunks)
    if form is None or data is None or form.stop - form.start > 1 << 16:
      return None
    fields = _at(file, form.start, form.stop - form.start)
    stop = _stop(file, data, int.from_bytes(fields[8:12], 'little'))
    in_order = form.start < data.start and _padded(chunks)
    is_known = chunks[0].name != b'ds64' or told == _UNKNOWN
    if stop == data.stop and in_order and is_known:
      return None
  return _riff(fields, Span(data.start, stop))


def _riff(form: bytes, data: Span) -> list[Piece]:
  size = data.stop - data.start
  head = b'WAVE' + b'fmt ' + len(form).to_bytes(4, 'little')
  head += form + b'\0' * (len(form) % 2)
  total = len(head) + _HEADER + size
  if total > _LARGEST:
    total = size = _LARGEST
  start = b'RIFF' + total.to_bytes(4, 'little') + head
  return [start + b'data' + size.to_bytes(4, 'little'), data]


def _chunks(file: BinaryIO) -> list[Chunk]:
  """Finds what can be found: chunks up to the first that is none."""
  start = _riff_start(file)
  if start is None:
    return []
  position, end = start + 12, os.fstat(file.fileno()).st_size
  chunks = []
  while position + _HEADER <= end and len(chunks) < _MOST_CHUNKS:
    head = _at(file, position, _HEADER)
    if not _is_name(head[:4]):
      break
    size = int.from_bytes(head[4:], 'little')
    chunk = Chunk(head[:4], position + 8, min(position + 8 + size, end))
    chunks.append(chunk)
    position = chunk.stop + size % 2
    if size % 2 and _is_name(_at(file, chunk.stop, 4)):
      position = chunk.stop  # Its writer forgot the pad byte.
  return chunks


def _measured(file: BinaryIO, data: Chunk, chunks: list[Chunk]) -> Chunk:
  """The sound of RF64, whose size stands in a chunk of its own."""
  for chunk in chunks:
    if chunk.name == b'ds64':
      size = int.from_bytes(_at(file, chunk.start + 8, 8), 'little')
      return data._replace(stop=min(data.start + size, data.stop))
  return data


def _riff_start(file: BinaryIO) -> int | None:
  """Returns where RIFF begins: at once, or behind an ID3 tag."""
  head = _at(file, 0, 10)
  start = 0
  if head[:3] == b'ID3' and len(head) == 10:
    start = 10 + mpeg_header.syncsafe(head[6:])
  found = _at(file, start, 12)
  is_wave = found[:4] in _NAMES and found[8:] == b'WAVE'
  return start if is_wave else None


def _stop(file: BinaryIO, data: Chunk, bytes_a_second: int) -> int:
  """End of the sound: as the header says, unless sound stands behind."""
  end = os.fstat(file.fileno()).st_size
  behind = data.stop + (data.stop - data.start) % 2
  head = _at(file, behind, 4)
  if data.stop == data.start:
    return data.stop if _ends_in_chunks(file, behind, end) else end
  if head[:3].isalnum() or not head:
    return data.stop  # Chunks or tags.
  return end if end - behind > _LEAST_SECONDS * bytes_a_second else data.stop


def _ends_in_chunks(file: BinaryIO, position: int, end: int) -> bool:
  """Returns whether only whole chunks stand between here and the end."""
  while position < end:
    head = _at(file, position, _HEADER)
    if len(head) < _HEADER or not _is_name(head[:4]):
      return False
    size = int.from_bytes(head[4:], 'little')
    position += _HEADER + size + size % 2
  return position <= end + 1


def _padded(chunks: list[Chunk]) -> bool:
  """Returns whether odd chunks up to the sound are followed by a pad byte."""
  for chunk, following in zip(chunks, chunks[1:], strict=False):
    length = chunk.stop - chunk.start
    if length % 2 and following.start - _HEADER == chunk.stop:
      return chunk.name == b'data'
  return True


def _is_name(name: bytes) -> bool:
  return len(name) == 4 and all(0x20 <= byte < 0x7F for byte in name)


def _at(file: BinaryIO, position: int, count: int) -> bytes:
  file.seek(position)
  return file.read(count)
