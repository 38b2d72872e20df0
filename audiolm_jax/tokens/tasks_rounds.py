"""The rounds in which a split's files are read, over and over."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np


class Round(NamedTuple):
  """Some files, read a number of times in an order of their own.

  Attributes:
    files: Of the split; all hosts share them.
    epochs: How often each is read.
    seed: Of the order and of the crops.
  """

  files: list[str]
  epochs: int
  seed: int


def rounds(
    files: Sequence[str],
    rounds_an_epoch: float,
    seed: int,
    epochs: int | None = None,
) -> Callable[[int], Round | None]:
  """Gives the files of each round, or None where there are no more.

  A large split takes many rounds of a few files each, a small one is read many
  times in one. Either way a round is short enough to skip through.

  Args:
    files: Of the split.
    rounds_an_epoch: May be less than 1.
    seed: Of the order of files, and of what happens to their content.
    epochs: If not None, there is one round that reads all files so many times.
  """
  num_groups = min(max(int(rounds_an_epoch), 1), len(files))
  repeats = epochs or max(math.ceil(1 / rounds_an_epoch), 1)

  def round_at(number: int) -> Round | None:
    if epochs is not None:
      everything = Round(list(files), repeats, _mix(seed, 0, 0))
      return everything if number == 0 else None
    epoch, group = divmod(number, num_groups)
    order = np.random.default_rng((seed, epoch)).permutation(len(files))
    chosen = [files[i] for i in order[group::num_groups]]
    return Round(chosen, repeats, _mix(seed, epoch, group))

  return round_at


def _mix(*seeds: int) -> int:
  return int(np.random.SeedSequence(seeds).generate_state(1)[0] >> 1)
