"""The files that `audiolm generate` starts from, read batch by batch."""

import os
import sys
import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Int, Key, UInt32

from audiolm_jax import executables
from audiolm_jax.errors import UserError
from audiolm_jax.sound import finding


class Prompt(NamedTuple):
  """The recording that a generation starts from.

  Attributes:
    path: Path as the user gave it; None if there is no prompt.
    index: Index among all prompts, unreadable ones included.
    num_samples: Length of the prompt, in samples at the model's rate.
  """

  path: str | None
  index: int
  num_samples: int


NOTHING = Prompt(None, 0, 0)

ReadOne = Callable[[str], Float[np.ndarray, ' N']]


def find(patterns: Sequence[str]) -> list[str]:
  """Files that match paths or globs, each once, in a stable order."""
  paths = {}
  for pattern in patterns:
    # What matches nothing is reported with the files that cannot be read.
    for path in finding.matching(pattern) or [pattern]:
      paths.setdefault(os.path.normpath(path), path)
  if not paths:
    raise UserError("Give audio to continue, as in --prompts='clips/*.wav'.")
  return list(paths.values())


def measure(
    paths: Sequence[str], measure_one: Callable[[str], int]
) -> list[Prompt]:
  """Lengths of what can be read; says what cannot, and why.

  Raises:
    UserError: Nothing can be read.
  """
  prompts = []
  for index, path in enumerate(paths):
    try:
      prompts.append(Prompt(path, index, measure_one(path)))
    except UserError as error:
      _skip(error)
  if not prompts:
    raise UserError('None of the prompts can be read.')
  return prompts


def read(
    prompts: Sequence[Prompt], read_one: ReadOne
) -> dict[Prompt, Float[np.ndarray, ' N']]:
  """Reads each prompt once; leaves out what has been damaged since."""
  waveforms = {}
  for prompt in dict.fromkeys(prompts):
    try:
      if prompt.path is None:
        waveforms[prompt] = np.zeros(0, np.float32)
      else:
        waveforms[prompt] = read_one(prompt.path)
    except UserError as error:
      _skip(error)
  return waveforms


def _skip(error: UserError) -> None:
  print(f'Skipped: {error}', file=sys.stderr, flush=True)


def keys(
    seed: int,
    waveforms: Sequence[Float[np.ndarray, ' _']],
    samples: Sequence[int],
) -> Key[Array, ' B']:
  """Keys of samples, each from its prompt's sound and its number alone."""
  contents = np.array([zlib.crc32(w.tobytes()) for w in waveforms], np.uint32)
  # Of a larger seed JAX takes as many bits.
  low = np.int64(seed).astype(np.int32)
  return _keys(low, contents, np.array(samples, np.int32))


@executables.jit()
def _keys(
    seed: Int[Array, ''],
    contents: UInt32[Array, ' B'],
    samples: Int[Array, ' B'],
) -> Key[Array, ' B']:
  fold_in = jax.random.fold_in
  of_prompts = jax.vmap(fold_in, (None, 0))(jax.random.key(seed), contents)
  return jax.vmap(fold_in)(of_prompts, samples)
