"""Makes a manifest of audio files that you have; nothing is copied.

Examples:
  python -m data.folder recordings corpora/mine.jsonl --licence=CC-BY-4.0
  python -m data.folder 'clips/**/*.mp3' corpora/clips.jsonl \\
      --speaker='clips/([^/]+)/' --hold_out_every=20

Any format that libsndfile reads will do, at any rate. Files that cannot be read
are reported and left out, and the exit code is then 1.
"""

import glob
import pathlib
import re
import sys
from collections.abc import Iterator
from concurrent import futures

import soundfile
from absl import flags, logging

from audiolm_jax import audio
from audiolm_jax.cli import verb
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError
from data.recording import SAMPLE_RATE, finish, split_of

FLAGS = flags.FlagValues()

flags.DEFINE_string(
    'source', 'folder', 'What to call this corpus.', flag_values=FLAGS
)
flags.DEFINE_string(
    'licence', 'unknown', 'Terms of the audio.', flag_values=FLAGS
)
flags.DEFINE_string(
    'speaker',
    None,
    'Regular expression whose group finds the speaker in a path.',
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'hold_out_every',
    10,
    'One speaker (one file, if speakers are unknown) in this many is test and'
    ' another dev, which training needs; 0: all is train.',
    flag_values=FLAGS,
)

# libsndfile's names, and the endings that people use instead.
_SUFFIXES = {f'.{name.lower()}' for name in soundfile.available_formats()} | {
    '.aif',
    '.oga',
    '.opus',
}
_THREADS = 8


def main(argv: list[str]) -> int:
  if len(argv) != 3:
    raise UserError(
        "Give files and a manifest: python -m data.folder 'GLOB_OR_DIR' OUT"
    )
  paths = find(argv[1])
  out = pathlib.Path(argv[2])
  clips = [_clip(path, seconds) for path, seconds in measure(paths)]
  if not clips:
    raise UserError(f'None of the {len(paths)} files of {argv[1]} is readable.')
  finish(out, clips)
  return 0 if len(clips) == len(paths) else 1


def find(pattern: str) -> list[pathlib.Path]:
  """Files of a glob, or the audio files anywhere below a folder."""
  if pathlib.Path(pattern).is_dir():
    found = [
        path
        for path in pathlib.Path(pattern).rglob('*')
        if path.suffix.lower() in _SUFFIXES and path.is_file()
    ]
  else:
    matches = map(pathlib.Path, glob.glob(pattern, recursive=True))
    found = [path for path in matches if path.is_file()]
  if not found:
    raise UserError(f'{pattern}: no audio files there.')
  return sorted(found)


def measure(
    paths: list[pathlib.Path],
) -> Iterator[tuple[pathlib.Path, float]]:
  """Readable files with their seconds; the others are reported."""
  with futures.ThreadPoolExecutor(_THREADS) as pool:
    for path, seconds in zip(paths, pool.map(_seconds, paths), strict=True):
      if seconds is not None:
        yield path, seconds


def _seconds(path: pathlib.Path) -> float | None:
  try:
    seconds = audio.duration(path)
    # A file cut short by a broken copy still has the header of a whole one.
    audio.read(path, SAMPLE_RATE, start_seconds=max(seconds - 1, 0.0))
  except UserError as error:
    logging.error('Left out: %s', error)
    return None
  return seconds


def _clip(path: pathlib.Path, seconds: float) -> Clip:
  speaker = None
  if FLAGS.speaker:
    match = re.search(FLAGS.speaker, str(path))
    speaker = match and match[1]
  return Clip(
      path=str(path.absolute()),
      seconds=seconds,
      split=split_of(speaker or str(path), FLAGS.hold_out_every),
      source=FLAGS.source,
      licence=FLAGS.licence,
      speaker=speaker,
  )


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS, sys.argv)


if __name__ == '__main__':
  run()
