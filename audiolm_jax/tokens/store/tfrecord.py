"""TFRecord files, read and written without TensorFlow.

A record is its length (8 bytes), a checksum of that (4), its bytes, and a
checksum of those (4); there is nothing else in the file. Checksums are masked
CRC-32C. Paths may be of a cloud's bucket, which etils opens.
"""

import struct
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import google_crc32c
from etils import epath

_LENGTH = struct.Struct('<Q')
_CHECKSUM = struct.Struct('<I')
_HEADER_BYTES = _LENGTH.size + _CHECKSUM.size


class DataLoss(Exception):
  """A file is not what was written."""


def write(path: str, records: Iterable[bytes]) -> int:
  """Writes a file and returns its number of records."""
  count = 0
  with epath.Path(path).open('wb') as file:
    for record in records:
      length = _LENGTH.pack(len(record))
      file.write(length + _checksum(length) + record + _checksum(record))
      count += 1
  return count


def read(path: str) -> Iterator[bytes]:
  """Yields the records of a file in their order.

  Raises:
    DataLoss: The file is damaged from here on.
  """
  with epath.Path(path).open('rb') as file:
    while (length := _next_length(file)) is not None:
      yield _content(file, length)


def read_at(path: str, offset: int) -> bytes:
  """The record that begins at a byte of the file.

  Raises:
    DataLoss: The record is damaged.
  """
  with epath.Path(path).open('rb') as file:
    file.seek(offset)
    length = _next_length(file)
    if length is None:
      raise DataLoss(path)
    return _content(file, length)


def offsets(path: str) -> list[int]:
  """Offset of each record, in bytes. Contents are passed over, and not checked.

  Raises:
    DataLoss: A header is damaged, or the file ends within a record.
  """
  found = []
  with epath.Path(path).open('rb') as file:
    size = file.seek(0, 2)
    here = file.seek(0)
    while (length := _next_length(file)) is not None:
      found.append(here)
      here += _HEADER_BYTES + length + _CHECKSUM.size
      if here > size:
        raise DataLoss(path)
      file.seek(here)
  return found


def _next_length(file: BinaryIO) -> int | None:
  """Length of the record that follows; None at the end of the file."""
  header = file.read(_HEADER_BYTES)
  if not header:
    return None
  length = header[: _LENGTH.size]
  if header[_LENGTH.size :] != _checksum(length):
    raise DataLoss('the length of a record')
  return _LENGTH.unpack(length)[0]


def _content(file: BinaryIO, length: int) -> bytes:
  content = file.read(length)
  if len(content) < length or file.read(4) != _checksum(content):
    raise DataLoss('the content of a record')
  return content


def _checksum(data: bytes) -> bytes:
  """The mask keeps checksums of what holds checksums apart."""
  crc = google_crc32c.value(data)
  rotated = (crc >> 15) | (crc << 17)
  return _CHECKSUM.pack((rotated + 0xA282EAD8) & 0xFFFFFFFF)
