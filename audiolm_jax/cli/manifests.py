"""Manifests of what `audiolm generate` has made so far, line by line.

    manifest.jsonl                 all that is made, in the order of the prompts
    manifest.csv                   the same for a spreadsheet
    manifest-00001-of-00004.jsonl  what the second of four hosts has made

A line is appended when its WAV is whole. The one that a killed run tore is
dropped, and so is the line of a WAV that was deleted: both are made again.
Nothing here tells the time, so that a run that was killed ends in the same
bytes.
"""

import csv
import io
import itertools
import json
import os
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from audiolm_jax import described, files
from audiolm_jax.cli.hosts import Share
from audiolm_jax.errors import UserError

Line = dict[str, Any]

_ESCAPED = 'backslashreplace'  # Names that are no UTF-8.
MANIFEST = 'manifest.jsonl'
TABLE = 'manifest.csv'
_PARTS = 'manifest-*-of-*.jsonl'
_MEND = 'remove it, and its file is made again.'


class _Named(Struct):
  """The name that every line has, beside how its file was made."""

  file: str


class Found(NamedTuple):
  """The lines of all manifests of a folder.

  Attributes:
    made: Lines by file.
    failed: Files whose prompts a host could not read.
  """

  made: dict[str, Line]
  failed: set[str]


def path_of(folder: pathlib.Path, share: Share) -> pathlib.Path:
  """The path of the manifest of what a host has made."""
  if share.count == 1:
    return folder / MANIFEST
  return folder / f'manifest-{share.index:05}-of-{share.count:05}.jsonl'


def read(folder: pathlib.Path) -> Found:
  """Reads what all hosts have made, those that are still at work included.

  Raises:
    UserError: A line is none of ours.
  """
  # What all have made together is read last: it may be written meanwhile.
  parts = [_read(path) for path in sorted(folder.glob(_PARTS))]
  lines = list(itertools.chain(_read(folder / MANIFEST), *parts))
  return Found(
      {
          line['file']: line
          for line in lines
          if 'error' not in line and _is_there(folder / line['file'])
      },
      {line['file'] for line in lines if 'error' in line},
  )


def _read(path: pathlib.Path) -> list[Line]:
  try:
    whole = path.read_bytes().split(b'\n')[:-1]
  except FileNotFoundError:
    return []
  lines = []
  for number, text in enumerate(whole, 1):
    where = f'{path}:{number} is no line of audiolm generate'
    try:
      line = json.loads(text)
    except (ValueError, RecursionError) as error:
      raise UserError(f'{where}: {error}; {_MEND}') from error
    described.check(line, _Named, where, _MEND)
    lines.append(line)
  return lines


def _is_there(path: pathlib.Path) -> bool:
  """Returns whether a WAV is; where the power failed it may be empty."""
  try:
    return path.stat().st_size > 0
  except FileNotFoundError:
    return False


def check(
    folder: pathlib.Path, made: Mapping[str, Line], expected: Iterable[Line]
) -> None:
  """Refuses to go on with what was made otherwise.

  Args:
    folder: Folder of the manifests.
    made: Lines by file.
    expected: Lines of some files, with the fields that must agree.

  Raises:
    UserError: A file was made otherwise; the message names what differs.
  """
  for line in expected:
    old = made.get(line['file'], line)
    differing = ', '.join(
        f'{name} {old.get(name)} and not {value}'
        for name, value in line.items()
        if old.get(name) != value
    )
    if differing:
      raise UserError(
          f'{folder / line["file"]} is there already, made with {differing};'
          f' choose another --output_dir, or remove {folder}/manifest*.jsonl to'
          ' make all anew.'
      )


def mend(path: pathlib.Path) -> None:
  """Drops a last line that a killed run did not finish."""
  try:
    content = path.read_bytes()
  except FileNotFoundError:
    return
  whole = content.rfind(b'\n') + 1
  if whole < len(content):
    os.truncate(path, whole)


def append(path: pathlib.Path, line: Line) -> None:
  """Adds a line; it is on the disk on return."""
  with path.open('ab') as file:
    file.write(_to_json(line))
    file.flush()
    os.fsync(file.fileno())


def write(folder: pathlib.Path, lines: Sequence[Line], writer: str) -> None:
  """Writes all lines, for programs and for spreadsheets.

  Hosts that end together may do so at the same time, and write the same.
  """
  content = b''.join(map(_to_json, lines))
  files.write(folder / MANIFEST, content, writer)
  files.write(folder / TABLE, _to_csv(lines), writer)


def _to_json(line: Line) -> bytes:
  return json.dumps(line, ensure_ascii=False).encode(errors=_ESCAPED) + b'\n'


def _to_csv(lines: Sequence[Line]) -> bytes:
  columns = dict.fromkeys(itertools.chain(*lines))
  text = io.StringIO()
  table = csv.DictWriter(text, columns)
  table.writeheader()
  for line in lines:
    cells = {
        name: ' '.join(map(str, value)) if isinstance(value, list) else value
        for name, value in line.items()
    }
    table.writerow(cells)
  # The mark at the beginning tells Excel that this is UTF-8.
  return text.getvalue().encode('utf-8-sig', errors=_ESCAPED)
