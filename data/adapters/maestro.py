"""Makes a manifest of MAESTRO, with each recording's notes as labels.

Example:
  audiolm corpus maestro maestro-v3.0.0 corpora/maestro/manifest.jsonl

Audio is not copied; labels go to a folder beside the manifest. The splits are
MAESTRO's own, its validation being our dev. Files that cannot be read are
reported and left out, and the exit code is then 1.
"""

import sys

from absl import flags

from audiolm_jax.cli import verb
from audiolm_jax.errors import UserError

FLAGS = flags.FlagValues()


def main(argv: list[str]) -> int:
  if len(argv) != 3:
    raise UserError(
        'Give a folder and a manifest: audiolm corpus maestro DIR OUT'
    )
  # Late, so that --help need not wait for what reads audio.
  from audiolm_jax.adapters.readers import maestro

  return maestro.main(argv)


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS, sys.argv)


if __name__ == '__main__':
  run()
