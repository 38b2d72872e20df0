"""Sequences of a stage: examples to train on, prompts to sample from."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

# The codes of one clip and their numbers of frames, by source.
Codes = Mapping[str, Int[np.ndarray, '_ _']]
Frames = Mapping[str, int]


class Prompt(NamedTuple):
  """The ids that a sampler starts from.

  Attributes:
    ids: Known ids: the prefix, and the first ones of the target.
    positions: Positions of these ids and of those that follow, which begin at
      0.
  """

  ids: Int[np.ndarray, ' P']
  positions: Int[np.ndarray, ' L']


class Candidates(NamedTuple):
  """The ids that may stand at each place: `size` consecutive ones.

  Attributes:
    first: The first of them.
    may_end: Whether EOS may stand there too.
    size: Number of ids that may stand at a place, beside EOS.
  """

  first: Int[np.ndarray, ' S']
  may_end: Bool[np.ndarray, ' S']
  size: int


class Example(NamedTuple):
  """One training sequence, padded to the length of its stage and crop.

  Attributes:
    ids: Ids that the model predicts; its inputs are `[PAD] + ids[:-1]`.
    loss_weights: 1 on the target and on EOS, 0 on the prefix and on padding.
    segment_ids: 1 where `ids` belongs to the sequence.
  """

  ids: Int[np.ndarray, ' L']
  loss_weights: Float[np.ndarray, ' L']
  segment_ids: Int[np.ndarray, ' L']
