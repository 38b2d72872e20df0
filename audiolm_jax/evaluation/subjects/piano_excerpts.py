"""Piano that is continued, and what may follow: the truth, models, others."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

Waveform = Float[np.ndarray, ' _']

TRUE = 'true continuation'
OTHER = "another piece's"


class Excerpts(NamedTuple):
  """Prompts and what is said to follow them.

  Attributes:
    prompts: Prompts of piano.
    pieces: Piece of each prompt: clips of one piece are not independent.
    continuations: Continuations of all prompts, by who made them; `TRUE` is
      among them.
    sample_rate: Sample rate of all, Hz.
  """

  prompts: Sequence[Waveform]
  pieces: Sequence[str]
  continuations: Mapping[str, Sequence[Waveform]]
  sample_rate: int

  def with_others(self) -> 'Excerpts':
    """Adds the floor: each prompt is given a continuation of another piece."""
    swapped = other_pieces(self.pieces)
    if swapped is None:
      return self
    truths = self.continuations[TRUE]
    others = {OTHER: [truths[index] for index in swapped]}
    return self._replace(continuations={**self.continuations, **others})

  def counted(self) -> str:
    """A sentence for a table's note: the numbers of prompts and of pieces."""
    pieces = len(set(self.pieces))
    return f'{len(self.prompts)} prompts of {pieces} pieces.'


def other_pieces(pieces: Sequence[str]) -> list[int] | None:
  """Index of the next clip of another piece for each; None if there is none."""
  count = len(pieces)
  if len(set(pieces)) < 2:
    return None
  return [
      next(
          (index + step) % count
          for step in range(1, count)
          if pieces[(index + step) % count] != piece
      )
      for index, piece in enumerate(pieces)
  ]
