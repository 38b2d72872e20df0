"""Makes a manifest of MAESTRO, with each recording's notes as labels.

Example:
  audiolm corpus maestro maestro-v3.0.0 corpora/maestro/manifest.jsonl

Audio is not copied; labels go to a folder beside the manifest. The splits are
MAESTRO's own, its validation being our dev. Files that cannot be read are
reported and left out, and the exit code is then 1.
"""

import csv
import pathlib
import sys

from absl import flags, logging

from audiolm_jax.adapters.folder import measure
from audiolm_jax.adapters.recording import finish, write_labels
from audiolm_jax.cli import verb
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError

FLAGS = flags.FlagValues()

_SPLITS = {'train': 'train', 'validation': 'dev', 'test': 'test'}


def main(argv: list[str]) -> int:
  if len(argv) != 3:
    raise UserError(
        'Give a folder and a manifest: audiolm corpus maestro DIR OUT'
    )
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
  # The extra [train] brings mido; help and errors do without.
  from audiolm_jax.adapters.performance import read_midi

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


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS, sys.argv)


if __name__ == '__main__':
  run()
