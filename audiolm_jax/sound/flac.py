"""FLAC files of several streams, one behind the other."""

import mmap
import os

from audiolm_jax.sound.pieces import Span
from audiolm_jax.sound.remembering import remembered

# A stream begins with its name and a block of 34 bytes that says what it is;
# the block may be the last one in front of the sound.
_BEGINNINGS = (b'fLaC\x00\x00\x00\x22', b'fLaC\x80\x00\x00\x22')


@remembered
def links(path: str) -> list[Span]:
  """Returns where each stream stands; libsndfile hears the first."""
  end = os.path.getsize(path)
  with (
      open(path, 'rb') as file,
      mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
  ):
    starts = sorted(
        start for name in _BEGINNINGS for start in _found(content, name)
    )
  ends = [*starts[1:], end][: len(starts)]
  return [Span(*pair) for pair in zip(starts, ends, strict=True)]


def _found(content: mmap.mmap, name: bytes) -> list[int]:
  starts = []
  start = content.find(name)
  while start >= 0:
    starts.append(start)
    start = content.find(name, start + len(name))
  return starts
