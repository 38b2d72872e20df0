"""From semantic tokens to acoustic codes: the second half of a canvas."""

from fractions import Fraction
from typing import Protocol

import jax
import numpy as np

from audiolm_jax.bundle.predictors import ParallelModel
from audiolm_jax.generation.canvas import Canvas
from audiolm_jax.generation.stage_sampler import (
    Keys,
    StageSampler,
    crop_and_step,
    fold_in,
    spans,
)
from audiolm_jax.soundstorm import sampler
from audiolm_jax.tokens import frames
from audiolm_jax.tokens.fields import ACOUSTIC, SEMANTIC
from audiolm_jax.tokens.stages import TRAITS
from audiolm_jax.tokens.tokenizers import windows

_KEY_NUMBER = TRAITS['soundstorm'].key_number


class Acoustics(Protocol):
  """Fills in acoustic codes, where semantic tokens are there if it reads them.

  Attributes:
    crop: Units that are seen at once.
    step: Units that are made at once when there are more to come.
    num_levels: Quantizer levels that it makes.
  """

  crop: int
  step: int
  num_levels: int

  def fill(self, canvas: Canvas, start: int, end: int, keys: Keys) -> None:
    """Makes the codes from unit `start`, a multiple of `step`, to `end`.

    Step by step or all at once, the codes are the same.
    """
    ...


class Autoregressive:
  """The coarse stage and, if there is one, the fine stage (AudioLM s. III-C).

  Attributes:
    crop: Crop of the coarse stage.
    step: Step of the coarse stage.
    num_levels: Quantizer levels that the last stage reaches.
  """

  def __init__(self, coarse: StageSampler, fine: StageSampler | None):
    """Takes stages that follow each other."""
    self._coarse, self._fine = coarse, fine
    self.crop, self.step = coarse.crop, coarse.step
    self.num_levels = (fine or coarse).stage.target.levels.stop

  def fill(self, canvas: Canvas, start: int, end: int, keys: Keys) -> None:
    """Makes the coarse codes one after the other, then the fine ones at once.

    The prompt's true codes stay; chunks of the fine stage start where it ends,
    and anew where the coarse stage takes a step.
    """
    self._coarse.fill(canvas, start, end, keys)
    if self._fine:
      chunks = [
          chunk
          for step in spans(start, end, self.step)
          for chunk in spans(*step, self._fine.crop)
      ]
      self._fine.fill_chunks(canvas, chunks, keys)


class Parallel:
  """SoundStorm: all frames of a level at once (2305.09636).

  Attributes:
    crop: Units that the model was trained on.
    step: Units that are made at once when there are more to come.
    num_levels: Quantizer levels that the model makes: all, or the first ones.
  """

  def __init__(
      self,
      parallel: ParallelModel,
      temperature: float,
      units_per_second: Fraction,
  ):
    """Takes a model over; `units_per_second` are those of canvases."""
    self._parallel, self._temperature = parallel, temperature
    self.crop, self.step = crop_and_step(
        parallel.crop_seconds, units_per_second
    )
    self.num_levels = parallel.stage.target.levels.stop

  def fill(self, canvas: Canvas, start: int, end: int, keys: Keys) -> None:
    """Makes the levels of a window, then those of the next."""
    # On one device: it fills the whole of it with one row.
    keys = fold_in(jax.device_put(keys, jax.local_devices()[0]), _KEY_NUMBER)
    for done, stop in spans(start, end, self.step):
      self._fill_window(canvas, done, stop, fold_in(keys, done))

  def _fill_window(
      self, canvas: Canvas, done: int, stop: int, keys: Keys
  ) -> None:
    stage, rows = self._parallel.stage, []
    for row in range(canvas.num_rows):
      last = max(canvas.last_unit(row, stop), done)
      first = last - self.crop
      known = canvas.num_known(row, first, done) * canvas.per_unit[ACOUSTIC]
      rows.append((canvas.row(row, first, last), known))
    lengths = np.array([len(codes[ACOUSTIC]) for codes, _ in rows], np.int32)
    # Few lengths are compiled.
    width = windows.bucket(int(lengths.max()))
    semantic = np.zeros((len(rows), width), np.int32)
    acoustic = np.zeros((len(rows), width, self.num_levels), np.int32)
    for i, (codes, _) in enumerate(rows):
      ids = frames.at_acoustic_rate(stage, codes[SEMANTIC][:, 0])
      semantic[i, : len(ids)] = ids
      acoustic[i, : lengths[i]] = codes[ACOUSTIC][:, : self.num_levels]
    known = np.array([known for _, known in rows])
    made = sampler.fill(
        self._parallel.model,
        self._parallel.params,
        semantic,
        acoustic,
        np.arange(width)[None] < known[:, None],
        lengths,
        np.float32(self._temperature),
        keys,
    )
    for i, codes in enumerate(np.asarray(made)):
      new = codes[known[i] : lengths[i]]
      canvas.write(i, stage.target, done, new)
