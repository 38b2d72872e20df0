"""Makes long recordings of short ones: those of a speaker, one after the other.

Example:
  audiolm corpus join corpora/clips.jsonl corpora/long/manifest.jsonl \\
      --seconds=30 --speeds=1,0.94,1.06

A model that learns from clips of a few seconds learns that whoever speaks falls
silent a few seconds later, and so does what it continues. Here nothing ends
before --seconds, and no pause within or between clips is longer than
--longest_pause. Recordings are FLAC, 16 kHz, in a folder beside the manifest.

Splits, sources, licences, speakers and languages are never mixed; a clip of an
unknown speaker stays alone, with its pauses cut. Clips that are silent or
cannot be read are named and left out, and the exit code is then 1.
"""

import sys

from absl import flags

from audiolm_jax.cli import verb
from audiolm_jax.errors import UserError

FLAGS = flags.FlagValues()

flags.DEFINE_float(
    'seconds',
    30.0,
    'Shortest length of a recording, unless a speaker has less.',
    lower_bound=0.0,
    flag_values=FLAGS,
)
flags.DEFINE_float(
    'longest_pause',
    0.4,
    'Seconds that longer pauses are cut to.',
    lower_bound=0.02,
    flag_values=FLAGS,
)
flags.DEFINE_list(
    'speeds',
    ['1'],
    'Speeds at which clips of the train split are played. Each but 1 moves'
    ' pitch, formants and tempo, and gives as many speakers more. The other'
    ' splits have speed 1 alone.',
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'workers', 2, 'Number of processes.', lower_bound=1, flag_values=FLAGS
)


def main(argv: list[str]) -> int:
  if len(argv) != 3:
    raise UserError(
        'Give two manifests: audiolm corpus join CLIPS.jsonl OUT.jsonl'
    )
  # Late, so that --help need not wait for what reads audio.
  from audiolm_jax.adapters.readers import join

  return join.main(argv, FLAGS)


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS, sys.argv)


if __name__ == '__main__':
  run()
