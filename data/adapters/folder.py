"""Makes a manifest of audio files that you have; nothing is copied.

Examples:
  audiolm corpus folder recordings corpora/mine.jsonl --licence=CC-BY-4.0
  audiolm corpus folder 'clips/**/*.mp3' corpora/clips.jsonl \\
      --speaker='clips/([^/]+)/' --hold_out_every=20

Any format that libsndfile reads will do, at any rate; with the extra `formats`
what FFmpeg reads, too. Linked folders are followed. A file's split depends on
its name below the folder (or the folder in front of the glob); three files, or
three speakers, are enough for a train, a dev and a test split.

Every file whose name says that it is audio is listed or named as left out, and
the exit code is 1 if any was left out.
"""

import os
import pathlib
import re
import sys
from collections.abc import Iterable, Iterator
from concurrent import futures

import soundfile
from absl import flags, logging

from audiolm_jax import audio
from audiolm_jax.adapters.recording import finish
from audiolm_jax.cli import verb
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError
from audiolm_jax.sound import finding
from audiolm_jax.splits import by_speaker

FLAGS = flags.FlagValues()

flags.DEFINE_string(
    'source', 'folder', 'Name of this corpus.', flag_values=FLAGS
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

# libsndfile's names of formats, what people use instead, and what FFmpeg knows.
_SUFFIXES = {f'.{name.lower()}' for name in soundfile.available_formats()}
_SUFFIXES |= set(
    '.3gp .8svx .aac .ac3 .aif .aifc .aiffc .amr .ape .bwf .dsf .dts .eac3 .flc'
    ' .gsm .iff .m4a .m4b .m4p .m4r .mka .mogg .mp1 .mp2 .mp4 .mpa .mpc .mpga'
    ' .oga .opus .ra .shn .snd .sph .spx .tak .tta .vox .wave .weba .webm .wma'
    ' .wv'.split()
)
_THREADS = 8


def main(argv: list[str]) -> int:
  if len(argv) != 3:
    raise UserError(
        "Give files and a manifest: audiolm corpus folder 'GLOB_OR_DIR' OUT"
    )
  folder, paths = find(argv[1])
  out = pathlib.Path(argv[2])
  clips = _clips(folder, measure(paths))
  if not clips:
    raise UserError(f'None of the {len(paths)} files of {argv[1]} is readable.')
  finish(out, clips)
  left_out = len(paths) - len(clips)
  if left_out:
    logging.error('%d of %d files are left out.', left_out, len(paths))
  return 1 if left_out else 0


def find(pattern: str) -> tuple[str, list[pathlib.Path]]:
  """Files of a glob, or the audio files anywhere below a folder.

  Returns:
    The folder that names are told from, and the paths.

  Raises:
    UserError: There are none.
  """
  if os.path.isdir(pattern):
    folder = pattern
    found = [path for path in finding.below(pattern) if _is_audio(path)]
  else:
    folder, _ = finding.split(pattern)
    matches = finding.matching(pattern)
    found = [path for path in matches if not os.path.isdir(path)]
  if not found:
    raise UserError(f'{pattern}: no audio files there.')
  return folder, sorted(map(pathlib.Path, found))


def _is_audio(path: str) -> bool:
  return os.path.splitext(path)[1].lower() in _SUFFIXES


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
    # Decodes all of it: a broken copy still has the header of a whole one.
    return audio.duration(path)
  except UserError as error:
    logging.error('Left out: %s', error)
    return None


def _clips(
    folder: str, measured: Iterable[tuple[pathlib.Path, float]]
) -> list[Clip]:
  seconds = dict(measured)
  names = {path: os.path.relpath(path, folder or '.') for path in seconds}
  speakers = {name: _speaker(path) for path, name in names.items()}
  splits = by_speaker(speakers, FLAGS.hold_out_every)
  return [
      Clip(
          path=str(path.absolute()),
          seconds=seconds[path],
          split=splits[name],
          source=FLAGS.source,
          licence=FLAGS.licence,
          speaker=speakers[name],
      )
      for path, name in names.items()
  ]


def _speaker(path: pathlib.Path) -> str | None:
  found = FLAGS.speaker and re.search(FLAGS.speaker, str(path))
  return found[1] if found else None


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS, sys.argv)


if __name__ == '__main__':
  run()
