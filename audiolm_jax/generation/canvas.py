"""The codes of a batch of clips while stages fill them in. Pure NumPy."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Int

from audiolm_jax.tokens.fields import ACOUSTIC, SEMANTIC, Field
from audiolm_jax.tokens.sequence import Codes
from audiolm_jax.tokens.tokenizers.contract import Tokens


class Canvas:
  """Semantic and acoustic codes of clips, zero where nothing is made yet.

  Time is counted in units, the shortest whole number of frames of both kinds,
  from where the prompts end: a prompt of 3 units begins at -3, whatever the
  others' lengths, and what is generated begins at 0.

  Attributes:
    per_unit: Frames of each source in a unit.
  """

  def __init__(
      self,
      prompts: Sequence[Tokens],
      num_quantizers: int,
      frames_per_unit: Mapping[str, int],
  ):
    """Starts from prompts, which may be empty."""
    self.per_unit = frames_per_unit
    self._lengths = [
        len(p.acoustic) // frames_per_unit[ACOUSTIC] for p in prompts
    ]
    self._origin = max(self._lengths)
    self._codes = {
        source: self._empty(source, levels, self._origin)
        for source, levels in ((SEMANTIC, 1), (ACOUSTIC, num_quantizers))
    }
    for row, prompt in enumerate(prompts):
      for source, codes in prompt.codes.items():
        place = self._codes[source][row]
        # Not place[-len(codes) :], which is all of it for an empty prompt.
        place[len(place) - len(codes) :] = codes
    # One past the last frame of each row, as far as it is known.
    never = np.iinfo(np.int64).max
    self._ends = {
        source: np.full(len(prompts), never) for source in self._codes
    }

  def _empty(self, source: str, levels: int, num_units: int) -> np.ndarray:
    shape = len(self._lengths), num_units * self.per_unit[source], levels
    return np.zeros(shape, np.int32)

  @property
  def num_rows(self) -> int:
    return len(self._lengths)

  @property
  def num_units(self) -> int:
    """The number of units behind the prompts."""
    total = self._codes[ACOUSTIC].shape[1] // self.per_unit[ACOUSTIC]
    return total - self._origin

  def prolong(self, num_units: int) -> None:
    """Appends so many empty units."""
    for source, codes in self._codes.items():
      more = self._empty(source, codes.shape[2], num_units)
      self._codes[source] = np.concatenate([codes, more], axis=1)

  def say(self, rows: Sequence[Tokens]) -> int:
    """Appends semantic tokens that are known; returns the units of all rows."""
    per_unit = self.per_unit[SEMANTIC]
    units = [len(tokens.semantic) // per_unit for tokens in rows]
    start = self.num_units
    self.prolong(max(units))
    for row, tokens in enumerate(rows):
      place = self._codes[SEMANTIC][row, (self._origin + start) * per_unit :]
      place[: len(tokens.semantic)] = tokens.semantic[:, None]
      for source, per in self.per_unit.items():
        self._ends[source][row] = (start + units[row]) * per
    return max(units)

  def num_known(self, row: int, start: int, unit: int) -> int:
    """Units of a row from `start` up to `unit`, its prompt's among them."""
    return unit - max(start, -self._lengths[row])

  def row(self, row: int, start: int, end: int) -> Codes:
    """The codes of a clip from one unit to another, as far as it reaches."""
    return {
        source: codes[row, self._span(source, row, start, end)]
        for source, codes in self._codes.items()
    }

  def tokens(self, row: int, start: int, end: int) -> Tokens:
    """The tokens of a clip from one unit to another, as far as it reaches."""
    codes = self.row(row, start, end)
    return Tokens(codes[SEMANTIC][:, 0], codes[ACOUSTIC])

  def write(
      self, row: int, field: Field, start: int, new: Int[np.ndarray, 'T q']
  ) -> None:
    """Puts a field's codes where `start` says; what is too long is dropped."""
    first = (self._origin + start) * self.per_unit[field.source]
    place = self._codes[field.source][row, first:, field.levels.start :]
    place = place[: len(new), : len(field.levels)]
    place[...] = new[: len(place)]

  def end(self, row: int, field: Field, frame: int) -> None:
    """Says that a field's source is over at a frame.

    De-duplicated tokens do not tell how long they last; all others end what
    sounds, too.
    """
    ends = {field.source: frame}
    if not field.deduplicate:
      unit = frame // self.per_unit[field.source]
      ends = {source: unit * per for source, per in self.per_unit.items()}
    for source, end in ends.items():
      self._ends[source][row] = min(self._ends[source][row], end)

  def last_unit(self, row: int, unit: int) -> int:
    """The unit itself, or where the row's sound is over before it."""
    return min(unit, int(self._ends[ACOUSTIC][row]) // self.per_unit[ACOUSTIC])

  def _span(self, source: str, row: int, start: int, end: int) -> slice:
    per = self.per_unit[source]
    # No window reaches back beyond the row's own prompt, into the zeros that
    # stand before a shorter one.
    first = (self._origin + max(start, -self._lengths[row])) * per
    # The sum comes last: `never` has no room for more.
    stop = min(end * per, self._ends[source][row]) + self._origin * per
    # A row that was over before the window has nothing in it.
    return slice(first, max(first, stop))
