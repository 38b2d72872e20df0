"""Splits the clips of every speaker: nine in ten are train, the tenth is test.

Example:
  python -m data.shipped.closed_set 'corpora/*/manifest.jsonl' speakers.jsonl

The clips are those that gin/speaker_classifier.gin trains on and holds out,
whatever the splits of the manifest (AudioLM s. IV-D). Of clips that several
manifests name by the same folder and file, the first is taken.
"""

import pathlib
import sys

from absl import flags

from audiolm_jax import corpus
from audiolm_jax.adapters.recording import finish
from audiolm_jax.classifier import labels
from audiolm_jax.cli import verb
from audiolm_jax.errors import UserError

FLAGS = flags.FlagValues()


def main(argv: list[str]) -> None:
  if len(argv) != 3:
    raise UserError('Give a manifest, or a glob, and the one to write.')
  named = {}
  for clip in corpus.read_manifest(argv[1]):
    named.setdefault(pathlib.Path(clip.path).parts[-2:], clip)
  clips = list(named.values())
  finish(
      pathlib.Path(argv[2]),
      [
          clip._replace(split=split)
          for split, held_out in (('train', False), ('test', True))
          for clip in labels.closed_set(clips, held_out)
      ],
  )


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS, sys.argv)


if __name__ == '__main__':
  run()
