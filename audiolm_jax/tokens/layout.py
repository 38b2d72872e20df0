"""Layout of one sequence of ids, written and read back. Pure NumPy.

A sequence is `[prefix][PAD][target][EOS][PAD ...]`: the PAD after a prefix
field starts the next one, as the PAD that `shift right` puts first starts the
sequence, and EOS stands only where a recording truly ends. `segment_ids` are 1
where an id belongs to the sequence (the starting PAD included), else 0.
"""

import dataclasses
import fractions
import functools
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from audiolm_jax.errors import UserError
from audiolm_jax.tokens.fields import EOS, PAD, Field
from audiolm_jax.tokens.sequence import (
    Candidates,
    Codes,
    Example,
    Frames,
    Prompt,
)


class Slot(NamedTuple):
  """Ids laid into their places, and which places belong to the sequence."""

  ids: Int[np.ndarray, ' L']
  segment_ids: Int[np.ndarray, ' L']


@dataclasses.dataclass(frozen=True)
class Stage:
  """The layout of one language model: it reads prefix and predicts target.

  Attributes:
    name: 'semantic', 'coarse', 'fine' or 'acoustic_only'.
    prefix: Fields that condition and get no loss.
    target: The field that is predicted.
    positions: 'index' counts ids (the paper's). 'time' counts frames of the
      finest grid, so that tokens of the same moment are at the same distance
      whatever their field; it needs fields that are not de-duplicated.
  """

  name: str
  prefix: tuple[Field, ...]
  target: Field
  positions: str = 'index'

  def __post_init__(self):
    if self.positions not in ('index', 'time'):
      raise UserError(f"positions is {self.positions!r}: 'index' or 'time'.")
    if self.positions == 'time' and any(f.deduplicate for f in self.fields):
      raise UserError(
          f"The {self.name} stage cannot have positions='time' with"
          ' deduplicate=True: de-duplicated tokens have lost their time.'
      )

  @property
  def fields(self) -> tuple[Field, ...]:
    """The prefix's fields, then the target."""
    return (*self.prefix, self.target)

  @property
  def vocab_size(self) -> int:
    """Ids of all fields and the reserved ones, up to a multiple of 8."""
    return -(-max(field.end for field in self.fields) // 8) * 8

  @functools.cached_property
  def _rates(self) -> dict[str, fractions.Fraction]:
    return {f.source: _fraction(f.frames_per_second) for f in self.fields}

  @functools.cached_property
  def units_per_second(self) -> fractions.Fraction:
    """Rate of the moments at which frames of all sources begin together."""
    rates = self._rates.values()
    denominator = math.lcm(*(rate.denominator for rate in rates))
    numerators = (int(rate * denominator) for rate in rates)
    return fractions.Fraction(math.gcd(*numerators), denominator)

  @functools.cached_property
  def frames_per_unit(self) -> dict[str, int]:
    """Frames of each source between two moments at which crops may start."""
    rates = self._rates.items()
    return {name: int(rate / self.units_per_second) for name, rate in rates}

  def frames(self, seconds: float) -> dict[str, int]:
    """Whole, aligned frames of each source in so many seconds."""
    units = int(seconds * float(self.units_per_second) + 1e-6)
    return {name: units * per for name, per in self.frames_per_unit.items()}

  def prefix_length(self, frames: Frames) -> int:
    """Places of the prefix, the PAD after each field included."""
    return sum(frames[f.source] * len(f.levels) + 1 for f in self.prefix)

  def length(self, frames: Frames) -> int:
    """Places of a whole sequence, that of EOS included."""
    num_targets = frames[self.target.source] * len(self.target.levels)
    return self.prefix_length(frames) + num_targets + 1

  def positions_for(self, frames: Frames) -> Int[np.ndarray, ' L']:
    """Position of each place, the same for every sequence of these frames."""
    if self.positions == 'index':
      return np.arange(self.length(frames), dtype=np.int32)
    times = [self._times(field, frames[field.source]) for field in self.fields]
    return np.concatenate(times)

  def _times(self, field: Field, num_frames: int) -> Int[np.ndarray, ' L']:
    step = max(self._rates.values()) / self._rates[field.source]
    places = np.arange(num_frames * len(field.levels) + 1)
    times = places // len(field.levels) * step.numerator // step.denominator
    return times.astype(np.int32)

  def example(self, codes: Codes, frames: Frames, ends: bool) -> Example:
    """Lays out a crop of at most `frames`; `ends` where the recording does."""
    prefix = self._prefix(codes, frames)
    target = self.target.flatten(codes[self.target.source])
    # A crop that ends elsewhere says nothing about where recordings end.
    if ends:
      target = np.append(target, np.int32(EOS))
    example = Example(
        np.concatenate([prefix.ids, target]),
        np.repeat(np.float32([0, 1]), [len(prefix.ids), len(target)]),
        np.concatenate([prefix.segment_ids, np.ones_like(target)]),
    )
    padding = self.length(frames) - len(example.ids)
    return Example(*(np.pad(values, (0, padding)) for values in example))

  def prompt(
      self, codes: Codes, num_target_frames: int, num_ids: int
  ) -> Prompt:
    """The ids that a sampler starts from: prefix and first target frames.

    Args:
      codes: Codes of one clip; the prefix takes all frames of its sources.
      num_target_frames: Number of frames of the target that are known.
      num_ids: Number of ids that will follow; their positions are needed too.
    """
    frames = {source: len(array) for source, array in codes.items()}
    known = codes[self.target.source][:num_target_frames]
    target = self.target.flatten(known)
    ids = np.concatenate([self._prefix(codes, frames).ids, target])
    positions = np.arange(len(ids) + num_ids + 1, dtype=np.int32)
    if self.positions == 'time':
      times = [self._times(f, frames[f.source]) for f in self.prefix]
      end = len(known) + -(-num_ids // len(self.target.levels))
      times.append(self._times(self.target, end))
      positions = np.concatenate(times)[: len(positions)]
    # Counted from the first id that is drawn, positions stay small however long
    # the prompt is; distances are the same.
    return Prompt(ids, positions[: len(ids) + num_ids] - positions[len(ids)])

  def _prefix(self, codes: Codes, frames: Frames) -> Slot:
    ids, segment_ids = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
    for field in self.prefix:
      field_ids = field.flatten(codes[field.source])
      places = len(field_ids) + 1
      if self.positions == 'time':
        places = frames[field.source] * len(field.levels) + 1
      # The model reads ids one place later: a last id is hidden if the place
      # after it does not belong to the sequence.
      segment = np.arange(places) <= len(field_ids)
      padding = (0, places - len(field_ids))
      ids.append(np.pad(field_ids, padding, constant_values=PAD))
      segment_ids.append(segment.astype(np.int32))
    return Slot(np.concatenate(ids), np.concatenate(segment_ids))

  def candidates(
      self, num_ids: int, num_prompt_ids: int = 0, ends: bool = False
  ) -> Candidates:
    """The ids that may stand at each of `num_ids` places after the prompt's.

    EOS may stand between two frames only, and only if the caller lets the
    sequence end by itself (`ends`).
    """
    places = num_prompt_ids + np.arange(num_ids)
    levels = places % len(self.target.levels)
    return Candidates(
        self.target.level_offsets[levels].astype(np.int32),
        ends & (places > 0) & (levels == 0),
        self.target.codebook_size,
    )

  def to_config(self) -> dict[str, Any]:
    """Returns the stage as JSON can hold it."""
    fields = [dataclasses.asdict(field) for field in self.fields]
    for field in fields:
      field['levels'] = [field['levels'].start, field['levels'].stop]
    return {
        'name': self.name,
        'prefix': fields[:-1],
        'target': fields[-1],
        'positions': self.positions,
    }

  @classmethod
  def from_config(cls, config: Mapping[str, Any]) -> 'Stage':
    """The stage that `to_config` wrote."""
    *prefix, target = (
        Field(**{**field, 'levels': range(*field['levels'])})
        for field in (*config['prefix'], config['target'])
    )
    return cls(config['name'], tuple(prefix), target, config['positions'])


def _fraction(rate: float) -> fractions.Fraction:
  return fractions.Fraction(rate).limit_denominator(10**6)
