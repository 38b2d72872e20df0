"""Cuts of a recording: a stage's sequences, or windows. Pure NumPy."""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from audiolm_jax.errors import UserError
from audiolm_jax.tokens import crops, frames
from audiolm_jax.tokens.fields import ACOUSTIC, SEMANTIC
from audiolm_jax.tokens.layout import Stage
from audiolm_jax.tokens.sequence import Codes


class Sequences(NamedTuple):
  """A recording's crops; see layout.Example."""

  targets: Int[np.ndarray, 'k L']
  loss_weights: Int[np.ndarray, 'k L']
  segment_ids: Int[np.ndarray, 'k L']


class Windows(NamedTuple):
  """A recording's windows; see frames.Window."""

  semantic: Int[np.ndarray, 'k T']
  acoustic: Int[np.ndarray, 'k T Q']
  lengths: Int[np.ndarray, ' k']


@dataclasses.dataclass(frozen=True)
class Crops:
  """Cuts crops and lays them out as sequences.

  Attributes:
    stage: Layout of the sequences.
    crop_seconds: Their length.
    random: Whether they lie anywhere, or cover all of the recording.
  """

  stage: Stage
  crop_seconds: float
  random: bool

  def __post_init__(self):
    if not all(self.stage.frames(self.crop_seconds).values()):
      raise UserError(
          f'A crop of {self.crop_seconds:g} s is shorter than a frame of the'
          f' {self.stage.name} stage; set crop_seconds higher.'
      )

  @property
  def length(self) -> int:
    """Ids of a sequence."""
    return self.stage.length(self.stage.frames(self.crop_seconds))

  def __call__(self, codes: Codes, seed: Int[np.ndarray, ' 2']) -> Sequences:
    """Cuts one recording."""
    source, per_unit = next(iter(self.stage.frames_per_unit.items()))
    crop_units = self.stage.frames(self.crop_seconds)[source] // per_unit
    num_units = crops.num_units(self.stage, codes)
    if self.random:
      starts = crops.random_starts(num_units, crop_units, _random(seed))
    else:
      starts = crops.all_starts(num_units, crop_units)
    example = crops.examples(self.stage, codes, starts, crop_units)
    return Sequences(*(values.astype(np.int32) for values in example))


@dataclasses.dataclass(frozen=True)
class Spans:
  """Cuts windows of frames.

  Attributes:
    stage: Stage whose tokens are cut.
    shortest: Units of the shortest ones; None to cover all of the recording.
    longest: Units of the longest ones, which all are filled up to.
  """

  stage: Stage
  shortest: int | None
  longest: int

  def __call__(self, codes: Codes, seed: Int[np.ndarray, ' 2']) -> Windows:
    """Cuts one recording."""
    num_units = crops.num_units(self.stage, codes)
    if self.shortest is None:
      spans = frames.all_spans(num_units, self.longest)
    else:
      spans = frames.random_spans(
          num_units, self.shortest, self.longest, _random(seed)
      )
    found = [
        frames.cut(self.stage, codes, start, length, self.longest)
        for start, length in spans
    ]
    columns = zip(*found, strict=True)
    return Windows(*(np.stack(column).astype(np.int32) for column in columns))


def codes_of(
    semantic: Int[np.ndarray, ' T'],
    acoustic: Int[np.ndarray, '...'],
    num_levels: int,
) -> Codes:
  """A recording's ids and codes as cuts take them."""
  return {
      SEMANTIC: semantic[:, None],
      ACOUSTIC: acoustic.reshape(-1, num_levels),
  }


def _random(seed: Int[np.ndarray, ' 2']) -> np.random.Generator:
  return np.random.default_rng(seed.view(np.uint32))
