"""A recording and what is known about it, and the line that says so."""

import json
import os
import pathlib
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta, Struct

from audiolm_jax import described
from audiolm_jax.errors import UserError

_MEND = 'mend the line, or make the manifest anew (audiolm corpus folder).'


class Clip(NamedTuple):
  """A recording and what is known about it.

  Attributes:
    path: Audio file; relative to the manifest on disk, absolute in memory.
    seconds: Its length.
    split: 'train', 'dev', 'test', ...
    source: The corpus it comes from.
    licence: Under which terms it may be used.
    speaker: Name of the speaker, or None.
    piece: Name of the piece that is played, or None.
    transcript: Text of what is said, or None.
    labels: Sidecar TSV of `start_seconds end_seconds label` lines, or None.
    language: Language of what is said, as in ISO 639-1: 'en', 'ru', ...; or
      None.
    origin: Origin of the sound where that is asked, 'original', 'generated' or
      'other', which is neither; or None.
  """

  path: str
  seconds: float
  split: str
  source: str
  licence: str
  speaker: str | None = None
  piece: str | None = None
  transcript: str | None = None
  labels: str | None = None
  language: str | None = None
  origin: str | None = None


class _Line(Struct, forbid_unknown_fields=True):
  """A clip as a manifest says it; numbers may name speakers and pieces."""

  path: str
  seconds: Annotated[float, Meta(gt=0, le=1e9)]
  split: str
  source: str
  licence: str
  speaker: str | int | None = None
  piece: str | int | None = None
  transcript: str | None = None
  labels: str | None = None
  language: str | None = None
  origin: str | None = None


def line_of(clip: Clip, folder: pathlib.Path) -> str:
  """The clip as a manifest in that folder says it, on one line."""
  fields = clip._asdict()
  for name in ('path', 'labels'):
    if fields[name] is not None:
      fields[name] = os.path.relpath(fields[name], folder)
  return json.dumps(fields, ensure_ascii=False)


def parse(line: str, folder: pathlib.Path, where: str) -> Clip:
  """The clip of a manifest's line.

  Args:
    line: A JSON object.
    folder: Folder of the manifest, which paths start from.
    where: Names file and line, for messages.

  Raises:
    UserError: The line is no clip.
  """
  where = f'{where} is not a clip'
  try:
    value = json.loads(line)
  except (ValueError, RecursionError) as error:
    raise UserError(f'{where}: {error}.') from error
  said = msgspec.structs.asdict(described.check(value, _Line, where, _MEND))
  for name in ('speaker', 'piece'):
    said[name] = None if said[name] is None else str(said[name])
  if said['labels'] is not None:
    said['labels'] = str(folder / said['labels'])
  return Clip(**said)._replace(path=str(folder / said['path']))
