"""Windows of recordings, frame beside frame at the acoustic rate. Pure NumPy.

For models that see all levels of a frame at once, where the stages' sequences
are flattened (tokens.crops).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from audiolm_jax.errors import UserError
from audiolm_jax.tokens import crops
from audiolm_jax.tokens.fields import ACOUSTIC, SEMANTIC
from audiolm_jax.tokens.layout import Stage
from audiolm_jax.tokens.sequence import Codes


class Window(NamedTuple):
  """Some frames of a recording; zeros fill it up.

  Attributes:
    semantic: Ids at the acoustic rate (at_acoustic_rate).
    acoustic: Codes of all levels.
    length: Frames that are not padding.
  """

  semantic: Int[np.ndarray, ' T']
  acoustic: Int[np.ndarray, 'T Q']
  length: int


def at_acoustic_rate(
    stage: Stage, semantic: Int[np.ndarray, '*B T']
) -> Int[np.ndarray, '*B T2']:
  """One number for each acoustic frame: the semantic ids that fall in it.

  Ids of longer frames are repeated. Where several fall in an acoustic frame,
  they are the digits of the number, in base codebook_size, the earliest first.
  What is beyond whole units (Stage.units_per_second) is left out.
  """
  per = stage.frames_per_unit
  num_units = semantic.shape[-1] // per[SEMANTIC]
  frames = np.arange(num_units * per[ACOUSTIC])
  first = frames * per[SEMANTIC] // per[ACOUSTIC]
  size, joint = stage.prefix[0].codebook_size, 0
  for place in range(semantic_per_frame(stage)):
    joint = joint * size + semantic[..., first + place]
  return joint


def semantic_per_frame(stage: Stage) -> int:
  """Returns how many semantic ids fall in an acoustic frame, wholly or in part.

  Raises:
    UserError: They are too many for one number.
  """
  per, size = stage.frames_per_unit, stage.prefix[0].codebook_size
  count = -(-per[SEMANTIC] // per[ACOUSTIC])
  if size**count > 2**31:
    raise UserError(
        f'{count} semantic ids of {size} fall in one acoustic frame, too many'
        ' for SoundStorm; use fewer clusters, or a codec of shorter frames.'
    )
  return count


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
