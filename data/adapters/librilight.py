"""Makes a manifest of Libri-Light: DIR/speaker/book/*.flac with *.json beside.

Example:
  audiolm corpus librilight unlab-60k corpora/librilight.jsonl

Nothing is copied or cut; a speaker is in one split only. Files that cannot be
read are reported and left out, and the exit code is then 1.
"""

import sys

from absl import flags

from audiolm_jax.cli import verb
from audiolm_jax.errors import UserError

FLAGS = flags.FlagValues()

flags.DEFINE_integer(
    'hold_out_every',
    100,
    'One speaker in this many is test and another dev; 0: all is train.',
    flag_values=FLAGS,
)


def main(argv: list[str]) -> int:
  if len(argv) != 3:
    raise UserError(
        'Give a folder and a manifest: audiolm corpus librilight DIR OUT'
    )
  # Late, so that --help need not wait for what reads audio.
  from audiolm_jax.adapters.readers import librilight

  return librilight.main(argv, FLAGS)


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS, sys.argv)


if __name__ == '__main__':
  run()
