"""The rounds in which a split's files are read, over and over."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

# Rounds are about so many batches long: to resume is to skip within one, and
# what does not fill a round's last batch is dropped.
BATCHES_A_ROUND = 512


class Round(NamedTuple):
  """Some files, read a number of times in an order of their own.

  Attributes:
    files: Files of the split; all hosts share them.
    epochs: Number of times that each file is read; None for no end.
    num_batches: Number of batches after which it ends; None for the end of the
      files. Hosts see other recordings, of other lengths: only a count lets
      them go on together.
    seed: Seed of the order and of the crops.
  """

  files: list[str]
  epochs: int | None
  num_batches: int | None
  seed: int


def rounds(
    files: Sequence[str],
    batches_an_epoch: float,
    seed: int,
    epochs: int | None = None,
    batches_a_round: int | None = None,
) -> Callable[[int], Round | None]:
  """Gives the files of each round, or None where there are no more.

  A large split takes many rounds of a few files each, a small one is read many
  times in one. Either way a round is short enough to skip through.

  Args:
    files: Files of the split.
    batches_an_epoch: Number of batches of the whole split; may be less than 1.
    seed: Seed of the order of files, and of what happens to their content.
    epochs: If not None, there is one round that reads all files so many times.
    batches_a_round: About how many batches a round has; None for
      BATCHES_A_ROUND.
  """
  rounds_an_epoch = batches_an_epoch / (batches_a_round or BATCHES_A_ROUND)
  num_groups = min(max(int(rounds_an_epoch), 1), len(files))
  # Every recording is read about as often as every other.
  repeats = max(math.ceil(1 / rounds_an_epoch), 1)
  num_batches = max(round(batches_an_epoch * repeats / num_groups), 1)

  def round_at(number: int) -> Round | None:
    if epochs is not None:
      everything = Round(list(files), epochs, None, _mix(seed, 0, 0))
      return everything if number == 0 else None
    epoch, group = divmod(number, num_groups)
    # Dealt out anew in each epoch: other files come together.
    order = np.random.default_rng((seed, epoch)).permutation(len(files))
    chosen = [files[i] for i in order[group::num_groups]]
    return Round(chosen, None, num_batches, _mix(seed, epoch, group))

  return round_at


def _mix(*seeds: int) -> int:
  # 31 bits, so that it is no negative number as an int32 either.
  return int(np.random.SeedSequence(seeds).generate_state(1)[0] >> 1)
