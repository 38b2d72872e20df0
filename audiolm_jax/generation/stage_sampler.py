"""A language model that fills in its field of a canvas, window by window."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import NamedSharding, PartitionSpec
from jaxtyping import Array, Int, Key

from audiolm_jax import executables
from audiolm_jax.bundle.predictors import LanguageModel
from audiolm_jax.generation.canvas import Canvas
from audiolm_jax.lm.sampling import sampler
from audiolm_jax.lm.sampling.methods import Sampling
from audiolm_jax.lm.sampling.network import Weights
from audiolm_jax.tokens.stages import TRAITS

Keys = Key[Array, ' B']

# Where more is wanted than a stage was trained on, the end of one window is
# the prompt of the next: 3 s of 10 s, as in SoundStorm's comparison (s. 4.2).
_OVERLAP = 0.3
# Chunks that are sampled at the same time.
_MAX_ROWS = 64


class Piece(NamedTuple):
  """A row from unit `start` to `end`; what is before `done` is known."""

  row: int
  start: int
  done: int
  end: int


class StageSampler:
  """Samples one stage's codes.

  Attributes:
    crop: Units that the model was trained on.
    step: Units that it makes at once when there are more to come.
  """

  def __init__(
      self,
      lm: LanguageModel,
      sampling: Sampling,
      units_per_second: Fraction,
      may_end: bool = False,
  ):
    """Takes a model over.

    Args:
      lm: Its stage may know one source only, whose frames are shorter than a
        unit.
      sampling: Settings that ids are drawn with: temperature, top_k and top_p.
      units_per_second: Units that a second of a canvas has.
      may_end: Whether the model may say that a recording is over.
    """
    self._lm, self._sampling, self._may_end = lm, sampling, may_end
    self._copies = {}
    self.stage = lm.stage
    self.crop, self.step = crop_and_step(lm.crop_seconds, units_per_second)

  def fill(self, canvas: Canvas, start: int, end: int, keys: Keys) -> None:
    """Samples from unit `start`, up to which all is there, to `end`."""
    keys = fold_in(keys, TRAITS[self.stage.name].key_number)
    for done, stop in spans(start, end, self.step):
      pieces = []
      for row in range(canvas.num_rows):
        # A row that is over stays in the batch, since programs are compiled for
        # a number of rows. What is drawn for it is past its end.
        row_stop = max(canvas.last_unit(row, stop), done)
        # As long as a crop: what is not made anew is remembered.
        pieces.append(Piece(row, row_stop - self.crop, done, row_stop))
      # A window's noise is numbered by where it begins, so that a stream and
      # the whole draw the same.
      self._sample(canvas, pieces, stop - done, fold_in(keys, done))

  def fill_chunks(
      self, canvas: Canvas, chunks: Sequence[tuple[int, int]], keys: Keys
  ) -> None:
    """Samples chunks that know nothing of each other, together (s. III-C)."""
    keys = fold_in(keys, TRAITS[self.stage.name].key_number)
    pieces = [
        Piece(row, start, start, canvas.last_unit(row, end))
        for start, end in chunks
        for row in range(canvas.num_rows)
    ]
    # In the order of the pieces: rows of the first chunk, of the second, ...
    keys = jnp.concatenate([fold_in(keys, start) for start, _ in chunks])
    longest = max(end - start for start, end in chunks)
    for first in range(0, len(pieces), _MAX_ROWS):
      batch = slice(first, first + _MAX_ROWS)
      self._sample(canvas, pieces[batch], longest, keys[batch])

  def _sample(
      self, canvas: Canvas, pieces: Sequence[Piece], num_units: int, keys: Keys
  ) -> None:
    """Samples `num_units` behind what is known; a piece may take less."""
    target = self.stage.target
    per_unit = canvas.per_unit[target.source]
    num_frames = num_units * per_unit
    num_ids = num_frames * len(target.levels)
    prompts = [
        # The prefix reaches up to `end`, the target up to `done`: the stage
        # that fills the prefix in has been here before.
        self.stage.prompt(
            canvas.row(row, start, end),
            canvas.num_known(row, start, done) * per_unit,
            num_ids,
        )
        for row, start, done, end in pieces
    ]
    rows = rows_of(keys)
    ids = sampler.sample(
        self._lm.model,
        self._weights_beside(rows),
        sampler.stack(prompts),
        self.stage.candidates(num_ids, ends=self._may_end),
        keys,
        self._sampling,
        rows,
    )
    for piece, row in zip(pieces, ids, strict=True):
      codes = target.unflatten(row)
      canvas.write(piece.row, target, piece.done, codes)
      # Only EOS makes it shorter; `unflatten` stops there.
      if len(codes) < num_frames:
        canvas.end(piece.row, target, piece.done * per_unit + len(codes))

  def _weights_beside(self, rows: NamedSharding | None) -> Weights:
    """On all devices that rows are spread over."""
    if rows is None:
      return self._lm.weights
    if rows.mesh not in self._copies:
      everywhere = NamedSharding(rows.mesh, PartitionSpec())
      self._copies[rows.mesh] = jax.device_put(self._lm.weights, everywhere)
    return self._copies[rows.mesh]


def rows_of(keys: Keys) -> NamedSharding | None:
  """Returns how rows are spread, if their keys are and they come out even."""
  sharding = keys.sharding
  if not isinstance(sharding, NamedSharding) or sharding.mesh.size == 1:
    return None
  if len(keys) % sharding.mesh.size:
    return None
  return NamedSharding(sharding.mesh, PartitionSpec('data'))


def spans(start: int, end: int | float, size: int) -> Iterator[tuple[int, int]]:
  """From `start` to `end`, maybe infinite, in pieces of at most `size`."""
  while start < end:
    stop = min(start + size, end)
    yield start, stop
    start = stop


def crop_and_step(
    crop_seconds: float, units_per_second: Fraction
) -> tuple[int, int]:
  """Units that a model sees at once, and those that it makes in a window."""
  # The millionth is for products like 0.29 * 100, which floats put below 29.
  crop = max(int(crop_seconds * float(units_per_second) + 1e-6), 1)
  return crop, crop - int(_OVERLAP * crop)


@executables.jit()
def fold_in(keys: Keys, data: int | Int[Array, '']) -> Keys:
  """Another key for each row."""
  return jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, data)
