"""Turns audio into a token store, which the language models learn from.

Examples:
  audiolm extract --input=corpus/manifest.jsonl --model=tokenizers \\
      --output_dir=tokens
  audiolm extract --input='clips/**/*.flac' --model=speech --output_dir=tokens
  audiolm extract --input=/nfs/manifest.jsonl --model=/nfs/tokenizers \\
      --output_dir=/nfs/tokens -- --runner=SparkRunner

--input is a manifest (JSON lines) or a glob of audio files, about every tenth
of which, and one at least, is held out as `dev` by its name, unless --split
names one for all; it may be repeated. What follows `--` goes to Apache Beam;
its workers must see the same files. A run that was killed, or whose clips could
not all be read, goes on where it was when it is started again.

Exit code 1: some clips could not be read and were left out; 2: nothing done.
"""

import functools
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
from audiolm_jax.sound import finding
from audiolm_jax.splits import assign

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
    measured = _measure(source)
    num_bad += sum(seconds is None for seconds in measured.values())
    clips += _clips(source, measured, split)
  return clips, num_bad


def _measure(source: str) -> dict[str, float | None]:
  """Seconds of the files of a glob; None of those that cannot be read."""
  paths = finding.matching(source)
  if not paths:
    raise UserError(f'No file matches --input={source}.')
  seconds = dict.fromkeys(paths)
  for path in paths:
    try:
      seconds[path] = audio.duration(path)
    except UserError as error:
      print(f'Skipped: {error}', file=sys.stderr)
  return seconds


def _clips(
    source: str, measured: dict[str, float | None], split: str | None
) -> list[Clip]:
  folder, _ = finding.split(source)
  names = {
      path: os.path.relpath(path, folder or '.')
      for path, seconds in measured.items()
      if seconds is not None
  }
  held_out = assign(names.values(), _HOLD_OUT_EVERY, ('train', 'dev'))
  return [
      Clip(
          os.path.abspath(path),
          measured[path],
          split or held_out[name],
          source,
          'unknown',
      )
      for path, name in names.items()
  ]


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS)


if __name__ == '__main__':
  run()
