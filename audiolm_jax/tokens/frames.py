"""Windows of recordings, frame beside frame at the acoustic rate. Pure NumPy.

For models that see all levels of a frame at once, where the stages' sequences
are flattened (tokens.crops).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from audiolm_jax.tokens import crops
from audiolm_jax.tokens.fields import ACOUSTIC, SEMANTIC
from audiolm_jax.tokens.layout import Codes, Stage


class Window(NamedTuple):
  """Some frames of a recording; zeros fill it up.

  Attributes:
    semantic: Ids at the acoustic rate, each repeated as often as need be.
    acoustic: Codes of all levels.
    length: Frames that are not padding.
  """

  semantic: Int[np.ndarray, ' T']
  acoustic: Int[np.ndarray, 'T Q']
  length: int


def at_acoustic_rate(
    stage: Stage, semantic: Int[np.ndarray, '*B T']
) -> Int[np.ndarray, '*B T2']:
  """Repeats semantic ids so that each acoustic frame has the one it falls in.

  What is beyond whole units (Stage.units_per_second) is left out.
  """
  per = stage.frames_per_unit
  num_units = semantic.shape[-1] // per[SEMANTIC]
  frames = np.arange(num_units * per[ACOUSTIC])
  return semantic[..., frames * per[SEMANTIC] // per[ACOUSTIC]]


def cut(
    stage: Stage, codes: Codes, start: int, num_units: int, width: int
) -> Window:
  """A window of `num_units` from unit `start` on, filled up to `width` units.

  It is shorter where the recording ends.
  """
  size = width * stage.frames_per_unit[ACOUSTIC]
  whole = min(num_units, crops.num_units(stage, codes) - start)
  crop, _ = crops.cut(stage, codes, start, whole)
  semantic = at_acoustic_rate(stage, crop[SEMANTIC][:, 0])
  padding = (0, size - len(semantic))
  acoustic = crop[ACOUSTIC][:, : stage.target.levels.stop]
  return Window(
      np.pad(semantic, padding),
      np.pad(acoustic, (padding, (0, 0))),
      len(semantic),
  )


def random_spans(
    num_units: int, shortest: int, longest: int, random: np.random.Generator
) -> list[tuple[int, int]]:
  """Start and length of windows: as many as would fit, at least one.

  Lengths are drawn evenly, so that a model meets any; a recording too short for
  its draw is taken whole.
  """
  spans = []
  for _ in range(max(num_units // longest, 1)):
    length = min(int(random.integers(shortest, longest + 1)), num_units)
    start = int(random.integers(num_units - length + 1))
    spans.append((start, length))
  return spans


def all_spans(num_units: int, longest: int) -> list[tuple[int, int]]:
  """Start and length of the windows that cover all of it, each once."""
  return [(s, longest) for s in crops.all_starts(num_units, longest).tolist()]
