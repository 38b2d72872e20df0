"""Ogg files of several streams, one behind the other."""

import os
from typing import BinaryIO

from audiolm_jax.sound.pieces import Span
from audiolm_jax.sound.remembering import remembered

_HEADER = 27
_FIRST = 2  # The flag of a page that begins a stream.
_WINDOW = 1 << 16


@remembered
def links(path: str) -> list[Span]:
  """Returns where each stream of a chain stands; libsndfile hears the first.

  Streams that begin together, as sound and pictures, are one link.
  """
  starts, was_first = [], False
  with open(path, 'rb', buffering=_WINDOW) as file:
    end = os.fstat(file.fileno()).st_size
    position = _next_page(file, 0, end)
    while position < end:
      head = _at(file, position, _HEADER)
      if len(head) < _HEADER:
        break
      is_first = bool(head[5] & _FIRST)
      if is_first and not was_first:
        starts.append(position)
      was_first = is_first
      lengths = _at(file, position + _HEADER, head[26])
      following = position + _HEADER + len(lengths) + sum(lengths)
      position = _next_page(file, following, end)
  ends = [*starts[1:], end][: len(starts)]
  return [Span(*pair) for pair in zip(starts, ends, strict=True)]


def _next_page(file: BinaryIO, position: int, end: int) -> int:
  """Here, or behind bytes that are no page."""
  while position < end:
    window = _at(file, position, 4)
    if window == b'OggS':
      return position
    at = _at(file, position, _WINDOW).find(b'OggS')
    if at >= 0:
      return position + at
    position += _WINDOW - 3
  return end


def _at(file: BinaryIO, position: int, count: int) -> bytes:
  file.seek(position)
  return file.read(count)
