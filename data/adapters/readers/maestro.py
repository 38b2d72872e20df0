"""Lists MAESTRO, for `audiolm corpus maestro`."""

import csv
import pathlib

from absl import logging

from audiolm_jax.adapters.performance import read_midi
from audiolm_jax.adapters.readers.folder import measure
from audiolm_jax.adapters.recording import finish, write_labels
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError

_SPLITS = {'train': 'train', 'validation': 'dev', 'test': 'test'}


def main(argv: list[str]) -> int:
  root, manifest = map(pathlib.Path, argv[1:])
  rows = _rows(root)
  clips = []
  for path, seconds in measure([root / name for name in rows]):
    row = rows[path.relative_to(root).as_posix()]
    try:
      clips.append(_clip(row, root, manifest.parent / 'labels', seconds))
    except UserError as error:
      logging.error('Left out: %s', error)
  finish(manifest, clips)
  return 0 if len(clips) == len(rows) else 1


def _rows(root: pathlib.Path) -> dict[str, dict[str, str]]:
  """Lines of the table, by the name of their recording."""
  tables = sorted(root.glob('maestro-v*.csv'))
  if not tables:
    raise UserError(f'{root} has no maestro-v3.0.0.csv; is it MAESTRO?')
  with open(tables[-1], newline='', encoding='utf-8') as file:
    return {row['audio_filename']: row for row in csv.DictReader(file)}


def _clip(
    row: dict[str, str],
    root: pathlib.Path,
    folder: pathlib.Path,
    seconds: float,
) -> Clip:
  labels = (folder / row['midi_filename']).with_suffix('.tsv')
  write_labels(labels, read_midi(root / row['midi_filename']).labels())
  return Clip(
      path=str((root / row['audio_filename']).absolute()),
      seconds=seconds,
      split=_SPLITS[row['split']],
      source='maestro',
      licence='CC-BY-NC-SA-4.0',
      piece=f'{row["canonical_composer"]}: {row["canonical_title"]}',
      labels=str(labels),
  )
