"""Lists Libri-Light, as the flags of `audiolm corpus librilight` say."""

import json
import pathlib

from absl import flags, logging

from audiolm_jax.adapters.readers.folder import measure
from audiolm_jax.adapters.recording import finish
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError
from audiolm_jax.splits import by_speaker


def main(argv: list[str], values: flags.FlagValues) -> int:
  root, manifest = map(pathlib.Path, argv[1:])
  paths = sorted(root.glob('*/*/*.flac'))
  if not paths:
    raise UserError(f'{root} has no files like speaker/book/name.flac.')
  measured = dict(measure(paths))
  speakers = {str(path.relative_to(root)): path.parts[-3] for path in measured}
  splits = by_speaker(speakers, values.hold_out_every)
  clips = [
      _clip(path, seconds, splits[str(path.relative_to(root))])
      for path, seconds in measured.items()
  ]
  finish(manifest, clips)
  return 0 if len(clips) == len(paths) else 1


def _clip(path: pathlib.Path, seconds: float, split: str) -> Clip:
  speaker = path.parts[-3]
  return Clip(
      path=str(path.absolute()),
      seconds=seconds,
      split=split,
      source='librilight',
      licence='public domain (LibriVox)',
      speaker=speaker,
      language='en',
      piece=_title(path.with_suffix('.json')) or path.parts[-2],
  )


def _title(path: pathlib.Path) -> str | None:
  if not path.exists():
    return None
  try:
    described = json.loads(path.read_text(encoding='utf-8'))
    return described['book_meta']['title']
  except (json.JSONDecodeError, KeyError, TypeError) as error:
    logging.warning('%s does not tell the title: %r', path, error)
    return None
