"""Which files `audiolm generate` starts from, and what it makes of them."""

import collections
import glob
import pathlib
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from audiolm_jax.errors import UserError


class Prompt(NamedTuple):
  """Where a generation starts.

  Attributes:
    path: As the user gave it; None if there is no prompt.
    index: Among all prompts, unreadable ones included.
    waveform: Cut to the prompt.
  """

  path: str | None
  index: int
  waveform: Float[np.ndarray, ' N']


class Job(NamedTuple):
  """One sample of one prompt, and the file that it is written to."""

  prompt: Prompt
  sample: int
  file: str


def find(patterns: Sequence[str]) -> list[str]:
  """Files that match paths or globs, each once, in a stable order."""
  paths = {}
  for pattern in patterns:
    found = sorted(glob.glob(pattern, recursive=True))
    # What matches nothing is reported with the files that cannot be read.
    paths.update(dict.fromkeys(found or [pattern]))
  if not paths:
    raise UserError("Give audio to continue, as in --prompts='clips/*.wav'.")
  return list(paths)


def read(
    paths: Sequence[str], read_one: Callable[[str], Float[np.ndarray, ' N']]
) -> list[Prompt]:
  """Reads what can be read; says what cannot, and why.

  Raises:
    UserError: Nothing can be read.
  """
  prompts = []
  for index, path in enumerate(paths):
    try:
      prompts.append(Prompt(path, index, read_one(path)))
    except UserError as error:
      print(f'Skipped: {error}', file=sys.stderr)
  if not prompts:
    raise UserError('None of the prompts can be read.')
  return prompts


def jobs(prompts: Sequence[Prompt], num_samples: int) -> list[Job]:
  """All samples; prompts of the same name are told apart by their index."""
  stems = [pathlib.Path(prompt.path or 'sample').stem for prompt in prompts]
  counts = collections.Counter(stems)
  return [
      Job(
          prompt,
          sample,
          f'{stem}-{prompt.index}_{sample}.wav'
          if counts[stem] > 1
          else f'{stem}_{sample}.wav',
      )
      for prompt, stem in zip(prompts, stems, strict=True)
      for sample in range(num_samples)
  ]


def batches(to_do: Sequence[Job], size: int) -> Iterator[list[Job]]:
  """Batches of equally long prompts."""
  groups = collections.defaultdict(list)
  for job in to_do:
    groups[len(job.prompt.waveform)].append(job)
  for group in groups.values():
    for start in range(0, len(group), size):
      yield group[start : start + size]


def keys(seed: int, batch: Sequence[Job]) -> Key[Array, ' B']:
  """A key for each job, by what its prompt sounds like and its sample alone."""
  key = jax.random.key(seed)
  contents = [zlib.crc32(job.prompt.waveform.tobytes()) for job in batch]
  return jnp.stack(
      [
          jax.random.fold_in(
              jax.random.fold_in(key, np.uint32(content)), job.sample
          )
          for job, content in zip(batch, contents, strict=True)
      ]
  )


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
