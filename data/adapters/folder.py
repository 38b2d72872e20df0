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

import sys

from absl import flags

from audiolm_jax.cli import verb
from audiolm_jax.errors import UserError

FLAGS = flags.FlagValues()

flags.DEFINE_string(
    'source', 'folder', 'Name of this corpus.', flag_values=FLAGS
)
flags.DEFINE_string(
    'licence', 'unknown', 'Licence of the audio.', flag_values=FLAGS
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


def main(argv: list[str]) -> int:
  if len(argv) != 3:
    raise UserError(
        "Give files and a manifest: audiolm corpus folder 'GLOB_OR_DIR' OUT"
    )
  # Late, so that --help need not wait for what reads audio.
  from audiolm_jax.adapters.readers import folder

  return folder.main(argv, FLAGS)


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS, sys.argv)


if __name__ == '__main__':
  run()
