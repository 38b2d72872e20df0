"""Continues recordings, as the flags of `audiolm generate` say."""

import pathlib
import sys
from collections.abc import Sequence

import jax
from absl import flags

from audiolm_jax import files
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.cli import (
    hosts,
    making,
    manifests,
    plan,
    prompts,
    requested,
    samples,
    single_file,
)
from audiolm_jax.cli.modes import UNCONDITIONAL
from audiolm_jax.cli.outputs import Outputs
from audiolm_jax.cli.prompts import Prompt
from audiolm_jax.cli.request import Request
from audiolm_jax.errors import UserError
from audiolm_jax.generation.audiolm import AudioLM

# More files than these are not listed one by one at the end.
_MOST_LISTED = 20


def main(argv: list[str], values: flags.FlagValues) -> int:
  asked = requested.request(values)
  share = hosts.share(values.num_hosts, values.host_index, values.multiprocess)
  paths = _paths(values.mode, [*values.prompts, *argv[1:]])
  num_samples = max(len(paths), 1) * values.samples_per_prompt
  is_file = single_file.is_asked_for(values.output_dir)
  folder = (
      single_file.folder(values.output_dir, num_samples, share.count)
      if is_file
      else files.writable(values.output_dir)
  )
  bundle = Bundle.load(values.model, values.weights)
  asked = asked.resolved(bundle)
  lm = asked.model(bundle)
  samples.check_voice(asked, lm)
  found = _measure(asked, lm, paths)
  jobs = plan.jobs(found, values.samples_per_prompt, paths)
  plan.check_files(folder, jobs)
  outputs = Outputs(folder, share)
  common = asked.settings(bundle.fingerprint)
  outputs.check(common, [asked.describe(job, lm.sample_rate) for job in jobs])
  num_added = round(asked.seconds_added * lm.sample_rate)
  batches = share.of(plan.batches(jobs, values.batch_size, num_added))
  print(
      f'{sum(map(len, batches))} samples with {values.model}'
      f' ({bundle.fingerprint}) on {jax.devices()[0].platform}; the first batch'
      ' takes longer.',
      flush=True,
  )
  about = common | {'model': values.model}
  bad = making.make(asked, lm, outputs, about, batches)
  written = outputs.finish(jobs)
  if is_file and written:
    single_file.conclude(values.output_dir, folder / written[0])
    print(values.output_dir)
  else:
    _conclude(folder, written)
  num_bad = max(len(paths) - len(found), 0) + len(bad)
  if num_bad:
    print(f'{num_bad} prompts could not be read, see above.', file=sys.stderr)
  return 1 if num_bad else 0


def _paths(mode: str, patterns: Sequence[str]) -> list[str]:
  if mode != UNCONDITIONAL:
    return prompts.find(patterns)
  if patterns:
    raise UserError('--mode=unconditional takes no prompts.')
  return []


def _measure(asked: Request, lm: AudioLM, paths: Sequence[str]) -> list[Prompt]:
  if not paths:
    return [prompts.NOTHING]
  return prompts.measure(paths, lambda path: samples.measure(asked, lm, path))


def _conclude(folder: pathlib.Path, files: Sequence[str] | None) -> None:
  if files is None:
    print(
        'This host is done; the last one of all writes'
        f' {folder / manifests.MANIFEST}.'
    )
    return
  if not files:
    raise UserError('None of the prompts can be read.')
  print(
      f'{len(files)} files, {folder / manifests.MANIFEST} and'
      f' {manifests.TABLE}:'
  )
  for file in files[:_MOST_LISTED]:
    print(f'  {folder / file}')
  if len(files) > _MOST_LISTED:
    print(f'  and {len(files) - _MOST_LISTED} more')
