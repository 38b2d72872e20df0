"""Makes what a folder lacks, batch by batch; what is done is on the disk."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from audiolm_jax import audio
from audiolm_jax.cli import samples
from audiolm_jax.cli.manifests import Line
from audiolm_jax.cli.outputs import Outputs
from audiolm_jax.cli.pace import Pace
from audiolm_jax.cli.plan import Batch, Job
from audiolm_jax.cli.prompts import Prompt
from audiolm_jax.cli.request import Request
from audiolm_jax.cli.samples import Row
from audiolm_jax.generation.audiolm import AudioLM

# A sample whose WAV is whole, and how many values are in it.
Made = tuple[Job, int]


class Work(NamedTuple):
  """The settings that all batches have in common."""

  asked: Request
  lm: AudioLM
  outputs: Outputs
  pace: Pace


def make(
    asked: Request,
    lm: AudioLM,
    outputs: Outputs,
    about: Line,
    batches: Sequence[Batch],
) -> set[Prompt]:
  """Makes what is missing of some batches.

  Args:
    asked: Settings that all samples share.
    lm: Model that makes the samples.
    outputs: Folder that the samples go into, with what is there already.
    about: Fields that every line of the manifest gets.
    batches: Batches of this host.

  Returns:
    Prompts that could not be read; they were reported.
  """
  missing = [
      [job for job in batch if not outputs.has(job)] for batch in batches
  ]
  pace = Pace(sum(map(len, batches)), sum(map(len, missing)))
  work = Work(asked, lm, outputs, pace)
  bad = set()
  for batch, lacking in zip(batches, missing, strict=True):
    if not lacking:
      pace.skip(len(batch))
      continue
    seconds = 0.0
    rows = samples.read(asked, lm, batch)
    for job, length in _make_batch(work, rows, lacking):
      seconds += length / lm.sample_rate
      line = asked.describe(job, lm.sample_rate)
      outputs.note(job, line | {'seconds': length / lm.sample_rate} | about)
    for job in lacking:
      if not outputs.has(job):
        outputs.fail(job)
        bad.add(job.prompt)
    pace.add(len(batch), len(lacking), seconds)
  pace.finish()
  return bad


def _make_batch(
    work: Work, rows: Sequence[Row], lacking: Sequence[Job]
) -> Iterator[Made]:
  """Computes all samples of a batch even if one is lacking.

  The last bit of a sample may depend on how many it is made with.
  """
  if not {row.job for row in rows} & set(lacking):
    return
  if work.asked.is_long:
    yield from _make_long(work, rows, lacking)
    return
  waveforms = samples.generate(work.asked, work.lm, rows)
  for row, waveform in zip(rows, waveforms, strict=True):
    if row.job in lacking:
      audio.write(work.outputs.path(row.job), waveform, work.lm.sample_rate)
      yield row.job, len(waveform)


def _make_long(
    work: Work, rows: Sequence[Row], lacking: Sequence[Job]
) -> Iterator[Made]:
  """Writes each chunk when it comes; the files are whole together."""
  new = {row.job: -len(row.waveform) for row in rows if row.job in lacking}
  with contextlib.ExitStack() as stack:
    files = {
        row.job: stack.enter_context(
            audio.writing(work.outputs.path(row.job), work.lm.sample_rate)
        )
        for row in rows
        if row.job in new
    }
    for chunks in samples.stream(work.asked, work.lm, rows):
      for row, chunk in zip(rows, chunks, strict=True):
        if row.job in files:
          files[row.job](chunk)
          new[row.job] += len(chunk)
      done = max(new.values()) / work.lm.sample_rate
      work.pace.within(
          len(lacking), max(done, 0.0), work.asked.continuation_seconds
      )
  for row in rows:
    if row.job in new:
      yield row.job, len(row.waveform) + new[row.job]
