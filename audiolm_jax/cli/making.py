"""Makes what a folder lacks, batch by batch; what is done is on the disk."""

from collections.abc import Sequence

from audiolm_jax.cli import request
from audiolm_jax.cli.manifests import Line
from audiolm_jax.cli.outputs import Outputs
from audiolm_jax.cli.pace import Pace
from audiolm_jax.cli.plan import Batch, Job
from audiolm_jax.cli.prompts import Prompt
from audiolm_jax.cli.request import Request, Waveform
from audiolm_jax.generate import AudioLM


def make(
    asked: Request,
    lm: AudioLM,
    outputs: Outputs,
    about: Line,
    batches: Sequence[Batch],
) -> set[Prompt]:
  """Makes what is missing of some batches.

  Args:
    asked: What to make of each prompt.
    lm: What makes it.
    outputs: What is there already, and where the rest goes.
    about: What all lines of the manifest say.
    batches: Those of this host.

  Returns:
    Prompts that could not be read; they were reported.
  """
  missing = [
      [job for job in batch if not outputs.has(job)] for batch in batches
  ]
  pace = Pace(sum(map(len, batches)), sum(map(len, missing)))
  bad = set()
  for batch, lacking in zip(batches, missing, strict=True):
    if not lacking:
      pace.skip(len(batch))
      continue
    made = _make_batch(asked, lm, batch, lacking)
    for job in lacking:
      if job in made:
        _write(asked, lm, outputs, about, job, made[job])
      else:
        outputs.fail(job)
        bad.add(job.prompt)
    num_samples = sum(map(len, made.values()))
    pace.add(len(batch), len(lacking), num_samples / lm.sample_rate)
  pace.finish()
  return bad


def _make_batch(
    asked: Request, lm: AudioLM, batch: Batch, lacking: Sequence[Job]
) -> dict[Job, Waveform]:
  """All samples of a batch even if one is lacking.

  The last bit of a sample may depend on how many it is made with.
  """
  rows = request.read(asked, lm, batch)
  if not {row.job for row in rows} & set(lacking):
    return {}
  waveforms = request.generate(asked, lm, rows)
  return dict(zip([row.job for row in rows], waveforms, strict=True))


def _write(
    asked: Request,
    lm: AudioLM,
    outputs: Outputs,
    about: Line,
    job: Job,
    waveform: Waveform,
) -> None:
  line = asked.describe(job, lm.sample_rate)
  line |= {'seconds': len(waveform) / lm.sample_rate} | about
  outputs.add(job, waveform, lm.sample_rate, line)
