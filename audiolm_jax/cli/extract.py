"""Turns audio into a token store, which the language models learn from.

Examples:
  audiolm extract --input=corpus/manifest.jsonl --model=tokenizers \\
      --output_dir=tokens
  audiolm extract --input='clips/**/*.flac' --model=speech --output_dir=tokens
  audiolm extract --input=/nfs/manifest.jsonl --model=/nfs/tokenizers \\
      --output_dir=/nfs/tokens -- --runner=SparkRunner

--input is a manifest (JSON lines) or a glob of audio files, every tenth of
which (the second, the twelfth, ...) is held out as `dev`, unless --split names
one for all; it may be repeated. What follows `--` goes to Apache Beam; its
workers must see the same files. A run that was killed, or whose clips could not
all be read, goes on where it was when it is started again.

Exit code 1: some clips could not be read and were left out; 2: nothing done.
"""

import functools
import glob
import os
import sys
import time
from collections.abc import Sequence

from absl import flags

from audiolm_jax import audio, corpus
from audiolm_jax.bundle.bundle import load_tokenizers
from audiolm_jax.cli import verb
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError

FLAGS = flags.FlagValues()
flags.DEFINE_multi_string(
    'input', [], 'Manifest or glob of audio.', flag_values=FLAGS
)
flags.DEFINE_string(
    'model', None, 'Bundle with the tokenizers.', flag_values=FLAGS
)
flags.DEFINE_string(
    'output_dir', None, 'Folder of the token store.', flag_values=FLAGS
)
flags.DEFINE_string(
    'split',
    None,
    'Only this split of manifests; of a glob, the split of all its files.',
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'num_shards',
    None,
    'Files a split; by default one for ten minutes of audio.',
    lower_bound=1,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'batch_size',
    16,
    'Clips tokenized together.',
    lower_bound=1,
    flag_values=FLAGS,
)


_HOLD_OUT_EVERY = 10


def main(argv: list[str]) -> int:
  if not (FLAGS.input and FLAGS.model and FLAGS.output_dir):
    raise UserError('Give --input, --model and --output_dir.')
  # Imported late: Beam and TensorFlow take seconds, --help should not.
  from audiolm_jax.tokens.extraction import pipeline

  clips, num_bad = find_clips(FLAGS.input, FLAGS.split)
  model = FLAGS.model
  if os.path.isdir(model):
    model = os.path.abspath(model)  # Workers may run in another folder.
  start = time.monotonic()
  report = pipeline.extract(
      clips,
      functools.partial(load_tokenizers, model),
      FLAGS.output_dir,
      FLAGS.num_shards,
      FLAGS.batch_size,
      argv[1:],
  )
  elapsed = time.monotonic() - start
  for path, reason in report.failures:
    print(f'Skipped {path}: {reason}', file=sys.stderr)
  print(
      f'Wrote {FLAGS.output_dir}: {report.num_clips} clips,'
      f' {report.seconds / 3600:.2f} hours of audio in {elapsed:.0f} s.'
  )
  return 1 if report.failures or num_bad else 0


def find_clips(
    inputs: Sequence[str], split: str | None
) -> tuple[list[Clip], int]:
  """Clips of all inputs, and how many files could not be read."""
  clips, num_bad = [], 0
  for source in inputs:
    if source.endswith(('.jsonl', '.json')):
      clips += corpus.read_manifest(source, split)
      continue
    paths = sorted(glob.glob(source, recursive=True))
    if not paths:
      raise UserError(f'No file matches --input={source}.')
    for index, path in enumerate(paths):
      try:
        seconds = audio.duration(path)
      except UserError as error:
        print(f'Skipped: {error}', file=sys.stderr)
        num_bad += 1
      else:
        path = os.path.abspath(path)
        held_out = 'dev' if index % _HOLD_OUT_EVERY == 1 else 'train'
        clips.append(Clip(path, seconds, split or held_out, source, 'unknown'))
  return clips, num_bad


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS)


if __name__ == '__main__':
  run()
