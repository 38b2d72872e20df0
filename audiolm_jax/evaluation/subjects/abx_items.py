"""Item files: which phones ABX compares, as Libri-Light and ZeroSpeech have it.

Lines are `#file onset offset #phone prev-phone next-phone speaker`: a file
without its extension, the start and end of a triphone in seconds, its middle
phone, its neighbours and who speaks.
"""

import io
import os
import pathlib
from collections.abc import Mapping
from typing import NamedTuple

from audiolm_jax import files
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation.metrics import triphones
from audiolm_jax.evaluation.metrics.triphones import Speech, Triphone

_COLUMNS = (
    '#file',
    'onset',
    'offset',
    '#phone',
    'prev-phone',
    'next-phone',
    'speaker',
)
_SUFFIXES = ('.wav', '.flac', '.ogg', '.opus', '.mp3')


class Items(NamedTuple):
  """The contents of an item file: triphones that are to be compared.

  Attributes:
    files: Names without extensions.
    triphones: Their `clip` is an index into `files`.
  """

  files: list[str]
  triphones: list[Triphone]


def read(path: str | os.PathLike) -> Items:
  """Reads an item file.

  Raises:
    UserError: The file is missing, or a line, which is named, is malformed.
  """
  try:
    lines = pathlib.Path(path).read_text(encoding='utf-8').splitlines()
  except OSError as e:
    raise UserError(f'{path}: cannot read items ({e.strerror}).') from e
  if not lines or lines[0].split() != list(_COLUMNS):
    raise UserError(f'{path}: the first line must be `{" ".join(_COLUMNS)}`.')
  places: dict[str, int] = {}
  found = []
  for number, line in enumerate(lines[1:], 2):
    try:
      file, start, end, phone, before, after, speaker = line.split()
      found.append(
          Triphone(
              places.setdefault(file, len(places)),
              float(start),
              float(end),
              phone,
              ('', before, after),
              speaker,
          )
      )
    except ValueError as e:
      raise UserError(
          f'{path}:{number}: expected `{" ".join(_COLUMNS)}`, got `{line}`.'
      ) from e
  return Items(list(places), found)


def write(path: str | os.PathLike, spoken: Mapping[str, Speech]) -> None:
  """Writes the triphones of clips whose phones are known.

  White space in what is written becomes '_'. Phones of different sources would
  meet in one file: write one for each.

  Args:
    path: Path of the item file.
    spoken: Phones and speaker of each file, by its name without extension.
  """
  text = io.StringIO()
  print(*_COLUMNS, file=text)
  for file, speech in spoken.items():
    for each in triphones.of_clip(speech, 0):
      times = (f'{each.start_seconds:.4f}', f'{each.end_seconds:.4f}')
      names = (each.phone, *each.context[1:], each.speaker)
      words = ('_'.join(word.split()) for word in (file, *times, *names))
      print(*words, file=text)
  files.write(pathlib.Path(path), text.getvalue().encode())


def locate(items: Items, folder: str | os.PathLike) -> list[pathlib.Path]:
  """The audio of each file, wherever below a folder.

  Raises:
    UserError: A file is missing.
  """
  there = {
      path.stem: path
      for path in sorted(pathlib.Path(folder).rglob('*'))
      if path.suffix.lower() in _SUFFIXES
  }
  missing = [name for name in items.files if name not in there]
  if missing:
    raise UserError(
        f'{folder} lacks {len(missing)} of {len(items.files)} files of the'
        f' items, for instance {missing[0]}.'
    )
  return [there[name] for name in items.files]
