"""Makes a token store, as the flags of `audiolm extract` say."""

import dataclasses
import datetime
import functools
import os
import sys
import time
from collections.abc import Sequence

from absl import flags

from audiolm_jax import audio, corpus, speeds
from audiolm_jax.bundle.bundle import load_tokenizers
from audiolm_jax.cli import compilation
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError
from audiolm_jax.sound import finding
from audiolm_jax.splits import assign
from audiolm_jax.tokens.extraction import pipeline
from audiolm_jax.tokens.tokenizers.contract import Tokenizers

_HOLD_OUT_EVERY = 10


def main(argv: list[str], values: flags.FlagValues) -> int:
  chosen = tuple(map(speeds.parse, values.semantic_speeds))
  clips, num_bad = find_clips(values.input, values.split)
  compilation.keep_compiled()
  model = values.model
  if os.path.isdir(model):
    model = os.path.abspath(model)  # Workers may run in another folder.
  start = time.monotonic()
  report = pipeline.extract(
      clips,
      functools.partial(_load, model, chosen),
      values.output_dir,
      values.num_shards,
      values.batch_size,
      argv[1:],
  )
  elapsed = time.monotonic() - start
  for path, reason in report.failures:
    print(f'Skipped {path}: {reason}', file=sys.stderr)
  length = datetime.timedelta(seconds=round(report.seconds))
  print(
      f'Wrote {values.output_dir}: {report.num_clips} clips, {length} of audio'
      f' in {elapsed:.0f} s.'
  )
  return 1 if report.failures or num_bad else 0


def _load(model: str, semantic_speeds: tuple[float, ...]) -> Tokenizers:
  return dataclasses.replace(
      load_tokenizers(model), semantic_speeds=semantic_speeds
  )


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
