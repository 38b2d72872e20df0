"""The codes of a batch of clips while stages fill them in. Pure NumPy."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Int

from audiolm_jax.tokens.fields import ACOUSTIC, SEMANTIC, Field
from audiolm_jax.tokens.layout import Codes


class Draft:
  """Semantic and acoustic codes of one length, zero where nothing is made yet.

  Time is counted in units, the shortest whole number of frames of both kinds.
  """

  def __init__(
      self,
      semantic: Int[np.ndarray, 'B T'],
      acoustic: Int[np.ndarray, 'B T2 Q'],
      frames_per_unit: Mapping[str, int],
  ):
    """Copies the codes: tokenizers hand out arrays that cannot be written."""
    self._codes = {
        SEMANTIC: np.array(semantic[..., None]),
        ACOUSTIC: np.array(acoustic),
    }
    self._per_unit = frames_per_unit

  @property
  def semantic(self) -> Int[np.ndarray, 'B T']:
    return self._codes[SEMANTIC][..., 0]

  @property
  def acoustic(self) -> Int[np.ndarray, 'B T2 Q']:
    return self._codes[ACOUSTIC]

  @property
  def num_units(self) -> int:
    return self._codes[SEMANTIC].shape[1] // self._per_unit[SEMANTIC]

  def prolonged(self, num_units: int) -> 'Draft':
    """A copy with so many empty units at its end."""
    codes = {
        source: np.pad(
            array, ((0, 0), (0, num_units * self._per_unit[source]), (0, 0))
        )
        for source, array in self._codes.items()
    }
    return Draft(codes[SEMANTIC][..., 0], codes[ACOUSTIC], self._per_unit)

  def num_frames(self, field: Field, num_units: int) -> int:
    """Frames of a field's source in so many units."""
    return num_units * self._per_unit[field.source]

  def rows(self, start: int, end: int) -> list[Codes]:
    """The codes of each clip from one unit to another, as stages take them."""
    window = {
        source: array[:, self._span(source, start, end)]
        for source, array in self._codes.items()
    }
    return [
        {source: array[row] for source, array in window.items()}
        for row in range(len(self.semantic))
    ]

  def write(
      self, field: Field, start: int, new: Int[np.ndarray, 'B T q']
  ) -> None:
    """Puts a field's codes where `start` says; what is too long is dropped."""
    span = self._span(field.source, start, self.num_units)
    place = self._codes[field.source][:, span, field.levels.start :]
    place = place[:, : new.shape[1], : len(field.levels)]
    place[...] = new[:, : place.shape[1]]

  def _span(self, source: str, start: int, end: int) -> slice:
    per = self._per_unit[source]
    return slice(start * per, end * per)
