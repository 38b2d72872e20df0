"""Crops of recordings as a stage's sequences. Pure NumPy.

A crop is cut where frames of all sources begin together, before repeats are
dropped, and it ends with EOS only where the recording does.
"""

import numpy as np
from jaxtyping import Int

from audiolm_jax.tokens.layout import Stage
from audiolm_jax.tokens.sequence import Codes, Example


def random_starts(
    num_units: int, crop_units: int, random: np.random.Generator
) -> Int[np.ndarray, ' k']:
  """Returns where crops start: one, or as many as fit into the recording.

  They may reach beyond its end by a quarter of a crop. Were the end only seen
  by crops that just touch it, long recordings would hardly ever end, and always
  at the same place of the sequence.
  """
  count = max(num_units // crop_units, 1)
  if num_units <= crop_units:
    return np.zeros(count, np.int64)
  last = num_units - crop_units + crop_units // 4
  return random.integers(last, size=count, endpoint=True)


def all_starts(num_units: int, crop_units: int) -> Int[np.ndarray, ' k']:
  """Starts of the pieces that cover all of a recording, each moment once."""
  return np.arange(0, num_units, crop_units)


def num_units(stage: Stage, codes: Codes) -> int:
  """Length of a recording, in the stage's shortest aligned pieces."""
  lengths = stage.frames_per_unit.items()
  return min(len(codes[source]) // frames for source, frames in lengths)


def cut(
    stage: Stage, codes: Codes, start: int, crop_units: int
) -> tuple[Codes, bool]:
  """A crop's codes, and whether the recording ends in it."""
  crop = {
      source: codes[source][start * frames : (start + crop_units) * frames]
      for source, frames in stage.frames_per_unit.items()
  }
  return crop, start + crop_units >= num_units(stage, codes)


def examples(
    stage: Stage, codes: Codes, starts: Int[np.ndarray, ' k'], crop_units: int
) -> Example:
  """The sequences of several crops, one a row."""
  per_unit = stage.frames_per_unit.items()
  frames = {source: count * crop_units for source, count in per_unit}
  crops = [cut(stage, codes, start, crop_units) for start in starts.tolist()]
  rows = [stage.example(crop, frames, ends) for crop, ends in crops]
  return Example(*(np.stack(values) for values in zip(*rows, strict=True)))
