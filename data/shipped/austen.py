"""Jane Austen's six novels, public domain, from a Debian package.

The package is R's `janeaustenr`; its compressed data file is read without R.
"""

import bz2
import gzip
import lzma
import pathlib
import random
import re
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from data.shipped import fetch

_DATA = 'usr/lib/R/site-library/janeaustenr/data/Rdata'
_SPLITS = {'northangerabbey': 'test', 'persuasion': 'dev'}
_CHARACTERS = (90, 240)  # Of a passage: about 6 to 16 seconds.

_SPOKEN = {
    'Mr.': 'Mister',
    'Mrs.': 'Missus',
    'Dr.': 'Doctor',
    'St.': 'Saint',
    '&c.': 'etcetera',
    '--': ', ',
    '—': ', ',
    '’': "'",
}
_NOT_PROSE = re.compile(
    r'(chapter|volume|finis|the end)\b|.*[\[\]*0-9]', re.IGNORECASE
)


class Passage(NamedTuple):
  """A few sentences to be read aloud."""

  name: str
  text: str


def passages(
    seed: int, cache: pathlib.Path = fetch.CACHE
) -> dict[str, list[Passage]]:
  """Passages of each split in shuffled order; no novel is in two splits."""
  found = {'train': [], 'dev': [], 'test': []}
  for book, lines in sorted(novels(cache).items()):
    for number, text in enumerate(split_prose('\n'.join(lines))):
      passage = Passage(f'{book}-{number:05d}', text)
      found[_SPLITS.get(book, 'train')].append(passage)
  for split in found.values():
    random.Random(seed).shuffle(split)
  return found


def novels(cache: pathlib.Path = fetch.CACHE) -> dict[str, list[str]]:
  """The lines of each book, by its name in the package."""
  import rdata

  base = fetch.debian('r-cran-janeaustenr', cache) / _DATA
  index = gzip.decompress(base.with_suffix('.rdx').read_bytes())
  database = base.with_suffix('.rdb').read_bytes()
  places = rdata.conversion.convert(rdata.parser.parse_data(index))['variables']
  books = {}
  for name, (offset, length) in places.items():
    raw = _decompress(database[int(offset) : int(offset) + int(length)])
    lines = rdata.conversion.convert(rdata.parser.parse_data(raw))
    books[name] = [str(line) for line in lines]
  return books


def split_prose(text: str) -> Iterator[str]:
  """Whole sentences, joined up to a length that is read in one breath."""
  shortest, longest = _CHARACTERS
  for run in _paragraph_runs(text):
    passage = ''
    for sentence in run:
      joined = f'{passage} {sentence}'.strip()
      if len(joined) <= longest:
        passage = joined
        continue
      if len(passage) >= shortest:
        yield passage
      passage = sentence if len(sentence) <= longest else ''
    if len(passage) >= shortest:
      yield passage


def _paragraph_runs(text: str) -> Iterator[list[str]]:
  """Sentences between headings, which no passage may cross."""
  run = []
  for paragraph in re.split(r'\n\s*\n', text):
    prose = ' '.join(paragraph.split())
    if len(prose) < 30 or prose.isupper() or _NOT_PROSE.match(prose):
      yield run
      run = []
    else:
      run += re.split(r"(?<=[.!?])\s+(?=[A-Z'])", _as_spoken(prose))
  yield run


def _as_spoken(prose: str) -> str:
  for written, spoken in _SPOKEN.items():
    prose = prose.replace(written, spoken)
  bare = re.sub(r'[_"“”()]', '', prose)
  # What is left of a dash after a space or a full stop.
  return re.sub(r'([.,;:!?]) *,', r'\1', bare.replace(' ,', ','))


def _decompress(block: bytes) -> bytes:
  """R's lazy-load blocks: length, a letter for the method, the data."""
  size, method = struct.unpack('>Ic', block[:5])
  match method:
    case b'2':
      data = bz2.decompress(block[5:])
    case b'Z':
      data = lzma.decompress(block[5:])
    case _:
      data = zlib.decompress(block[4:])
  return data[:size]
