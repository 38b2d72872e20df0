"""A run of tokens: which codes it takes, and the ids that stand for them."""

import dataclasses

import numpy as np
from jaxtyping import Int

PAD = 0  # Also the start token.
EOS = 1
FIRST_ID = 2

SEMANTIC = 'semantic'
ACOUSTIC = 'acoustic'


def deduplicate(codes: Int[np.ndarray, 'T Q']) -> Int[np.ndarray, 'T2 Q']:
  """Drops frames that repeat the frame before them (AudioLM s. IV-B)."""
  changed = np.any(codes[1:] != codes[:-1], axis=1)
  return codes[np.concatenate([np.ones(min(len(codes), 1), bool), changed])]


@dataclasses.dataclass(frozen=True)
class Field:
  """A run of tokens in the sequence of a stage.

  Attributes:
    source: Source of the codes: 'semantic' or 'acoustic'.
    levels: Quantizer levels taken from it.
    codebook_size: Ids per level.
    frames_per_second: Frame rate of the source.
    offset: First id of the field; each level has a range of its own.
    deduplicate: Whether repeated frames are dropped.
  """

  source: str
  levels: range
  codebook_size: int
  frames_per_second: float
  offset: int = FIRST_ID
  deduplicate: bool = False

  @property
  def level_offsets(self) -> Int[np.ndarray, ' q']:
    """First id of each level."""
    return self.offset + self.codebook_size * np.arange(len(self.levels))

  @property
  def end(self) -> int:
    """One past the last id of the field."""
    return self.offset + self.codebook_size * len(self.levels)

  def flatten(self, codes: Int[np.ndarray, 'T Q']) -> Int[np.ndarray, ' L']:
    """Codes to ids: all levels of frame 0, then of frame 1 (s. III-B)."""
    codes = codes[:, self.levels.start : self.levels.stop]
    if codes.shape[1] < len(self.levels):
      raise ValueError(
          f'{self.source} codes end at level {self.levels.start} +'
          f' {codes.shape[1]}; levels up to {self.levels.stop} are needed.'
      )
    if codes.size and not 0 <= codes.min() <= codes.max() < self.codebook_size:
      raise ValueError(
          f'{self.source} codes reach from {codes.min()} to {codes.max()}; the'
          f' codebook has {self.codebook_size} entries.'
      )
    codes = deduplicate(codes) if self.deduplicate else codes
    return (codes + self.level_offsets).reshape(-1).astype(np.int32)

  def unflatten(self, ids: Int[np.ndarray, ' L']) -> Int[np.ndarray, 'T q']:
    """Ids to codes of this field's levels, up to EOS or PAD.

    A last frame that is not complete is dropped.

    Raises:
      ValueError: An id stands at a level that it does not belong to.
    """
    stops = np.flatnonzero(ids < FIRST_ID)
    num_ids = stops[0] if len(stops) else len(ids)
    num_ids -= num_ids % len(self.levels)
    codes = ids[:num_ids].reshape(-1, len(self.levels)) - self.level_offsets
    if np.any((codes < 0) | (codes >= self.codebook_size)):
      raise ValueError(f'Some ids are not {self.source} ids of their level.')
    return codes.astype(np.int32)
