"""The plan of `audiolm generate`: its samples, their batches and file names.

A plan follows from the prompts and the flags alone. So every host has the same
one, and a run that was killed computes the rest in the batches that the
unbroken run would: the shape of a batch may change the last bit of a result.
"""

import collections
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

from audiolm_jax.cli.prompts import Prompt
from audiolm_jax.errors import UserError

# Rows of a batch take as long as the longest: a quarter may be for nothing.
_MOST_UNEQUAL = 1.25


class Job(NamedTuple):
  """One sample of one prompt, and the file that it is written to."""

  prompt: Prompt
  sample: int
  file: str


Batch = list[Job]


def jobs(
    prompts: Sequence[Prompt], num_samples: int, paths: Sequence[str]
) -> list[Job]:
  """All samples; prompts of the same name are told apart by their index.

  Args:
    prompts: Prompts that can be read.
    num_samples: Number of samples of each prompt.
    paths: Paths of all prompts: mending one must not change the names of
      others.
  """
  counts = collections.Counter(pathlib.Path(path).stem for path in paths)
  found = []
  for prompt in prompts:
    stem = pathlib.Path(prompt.path or 'sample').stem
    name = f'{stem}-{prompt.index}' if counts[stem] > 1 else stem
    found += [Job(prompt, i, f'{name}_{i}.wav') for i in range(num_samples)]
  return found


def batches(to_do: Sequence[Job], size: int, num_new: int) -> list[Batch]:
  """Sorted by length; a batch is of about equally long samples.

  Args:
    to_do: All jobs.
    size: Largest size of a batch, at most.
    num_new: Samples that are made behind each prompt.
  """
  made: list[Batch] = []
  shortest = 0
  for job in sorted(to_do, key=lambda job: job.prompt.num_samples):
    length = job.prompt.num_samples + num_new
    if not made or len(made[-1]) == size or length > _MOST_UNEQUAL * shortest:
      made.append([])
      shortest = length
    made[-1].append(job)
  return made


def check_files(folder: pathlib.Path, to_do: Sequence[Job]) -> None:
  """Refuses to write two samples to one file, or over a prompt."""
  prompts = {job.prompt.path for job in to_do} - {None}
  seen = {pathlib.Path(prompt).resolve() for prompt in prompts}
  for job in to_do:
    path = (folder / job.file).resolve()
    if path in seen:
      raise UserError(
          f'{folder / job.file} would be written over a prompt or another'
          ' sample; rename the prompts, or choose another --output_dir.'
      )
    seen.add(path)
