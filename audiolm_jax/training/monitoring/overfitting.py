"""Says when a run learns its clips by heart."""

from typing import NamedTuple

import numpy as np

# Evaluations in a row that have to be worse than the best: one is noise.
_PATIENCE = 3


class _Evaluation(NamedTuple):
  step: int
  trained: float
  held_out: float


class Overfitting:
  """Compares the losses of training with those of held-out clips.

  It knows what it saw, so that a run that goes on begins to compare anew.
  """

  def __init__(self):
    self._losses: list[float] = []
    self._best: _Evaluation | None = None
    self._num_worse = 0
    self._is_said = False

  def add(self, loss: float) -> None:
    """Takes the loss of a training step."""
    self._losses.append(loss)

  def warning(self, step: int, held_out: float) -> str | None:
    """Takes the loss of an evaluation; says once if only training's falls."""
    if not self._losses:
      return None
    now = _Evaluation(step, float(np.mean(self._losses)), held_out)
    self._losses.clear()
    if self._best is None or held_out < self._best.held_out:
      self._best, self._num_worse = now, 0
      return None
    self._num_worse += 1
    learns = now.trained < self._best.trained
    if self._is_said or self._num_worse < _PATIENCE or not learns:
      return None
    self._is_said = True
    return (
        f'It overfits: the held-out loss was lowest at step {self._best.step}'
        f' ({self._best.held_out:.4g}, now {held_out:.4g}), while that of'
        f' training fell ({self._best.trained:.4g}, now {now.trained:.4g}).'
        ' loop.train.keep_best = 1 keeps the best step; more clips, dropout or'
        ' a smaller model overfit later.'
    )
