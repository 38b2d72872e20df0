"""From semantic tokens to acoustic codes: the second half of a draft."""

from typing import Protocol

from audiolm_jax.draft import Draft
from audiolm_jax.stage_sampler import Keys, StageSampler, spans


class Acoustics(Protocol):
  """Fills in acoustic codes where semantic tokens are there.

  Attributes:
    crop: Units that are seen at once.
    step: Units that are made at once when there are more to come.
    num_levels: Quantizer levels that it makes.
  """

  crop: int
  step: int
  num_levels: int

  def fill(self, draft: Draft, start: int, end: int, keys: Keys) -> None:
    """Makes the codes from unit `start`, a multiple of `step`, to `end`.

    Step by step or all at once, the codes are the same.
    """
    ...


class Autoregressive:
  """The coarse stage and, if there is one, the fine stage (AudioLM s. III-C).

  Attributes:
    crop: Of the coarse stage.
    step: Of the coarse stage.
    num_levels: Quantizer levels that the last stage reaches.
  """

  def __init__(self, coarse: StageSampler, fine: StageSampler | None):
    """Takes stages that follow each other."""
    self._coarse, self._fine = coarse, fine
    self.crop, self.step = coarse.crop, coarse.step
    self.num_levels = (fine or coarse).stage.target.levels.stop

  def fill(self, draft: Draft, start: int, end: int, keys: Keys) -> None:
    """Makes the coarse codes one after the other, then the fine ones at once.

    The prompt's true codes stay; chunks of the fine stage start where it ends,
    and anew where the coarse stage takes a step.
    """
    self._coarse.fill(draft, start, end, keys)
    if self._fine:
      chunks = [
          chunk
          for step in spans(start, end, self.step)
          for chunk in spans(*step, self._fine.crop)
      ]
      self._fine.fill_chunks(draft, chunks, keys)
