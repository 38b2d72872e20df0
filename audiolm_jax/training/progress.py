"""What a run says while it trains; and its numbers must be finite."""

import datetime
import logging
import math
import time
from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from audiolm_jax.training.state import Metrics, TrainState
from audiolm_jax.training.summaries import Summaries

log = logging.getLogger(__name__)


class Progress:
  """Reads metrics one step late, so that the device is never kept waiting."""

  def __init__(
      self,
      summaries: Summaries,
      num_steps: int,
      log_every: int,
      step: int,
      max_skipped: int = 0,
  ):
    """Args: as of loop.train; `step` is the steps taken before this run."""
    self._summaries = summaries
    self._num_steps = num_steps
    self._log_every = log_every
    self._first = step + 1
    self._max_skipped = max_skipped
    self._skipped_in_a_row = 0
    self._num_skipped = 0
    self._pending: tuple[int, Metrics] | None = None
    self._mark = step, time.monotonic()

  def add(self, step: int, metrics: Metrics) -> None:
    """Takes a step's metrics and looks at those of the step before."""
    self.flush()
    self._pending = step, metrics

  def flush(self) -> None:
    """Waits for the metrics taken last.

    Raises:
      FloatingPointError: One of them is NaN or infinite, and as many steps in
        a row as may be have been left out.
    """
    if self._pending is None:
      return
    step, metrics = self._pending
    self._pending = None
    values = {k: float(v) for k, v in jax.device_get(metrics).items()}
    if values.pop('skipped', 0.0):
      self._skip(step, values)
      return
    check_finite(step, values)
    self._skipped_in_a_row = 0
    if step % self._log_every == 0 or step == self._num_steps:
      self._report(step, values)
    elif step == self._first:
      # Compiling is no measure of what is to come.
      self._mark = step, time.monotonic()

  def _skip(self, step: int, values: dict[str, float]) -> None:
    self._skipped_in_a_row += 1
    self._num_skipped += 1
    if self._skipped_in_a_row > self._max_skipped:
      check_finite(step, values)
      # All metrics are finite: it was the state that was not.
      raise FloatingPointError(f'Step {step}: the new state is not finite.')
    log.warning(
        'Step %d is left out, the %d. of this run: %s.',
        step,
        self._num_skipped,
        describe(values),
    )

  def _report(self, step: int, values: dict[str, float]) -> None:
    now = time.monotonic()
    speed = (step - self._mark[0]) / (now - self._mark[1])
    self._mark = step, now
    left = datetime.timedelta(seconds=round((self._num_steps - step) / speed))
    log.info(
        'step %d/%d  %s  %.3g steps/s  %s left',
        step,
        self._num_steps,
        describe(values),
        speed,
        left,
    )
    shown = {f'train/{k}': v for k, v in values.items()}
    if self._max_skipped:
      shown['skipped'] = self._num_skipped
    self._summaries.scalars(step, shown | {'speed': speed})


def check_finite(step: int, values: Mapping[str, float]) -> None:
  """Refuses NaN and infinity.

  Raises:
    FloatingPointError: Names the step and the values.
  """
  bad = {
      name: value for name, value in values.items() if not math.isfinite(value)
  }
  if bad:
    raise FloatingPointError(
        f'Step {step}: {describe(bad)}. The checkpoints before are intact; go'
        ' on from there with a lower learning rate or a lower clip_norm.'
    )


def check_params(step: int, state: TrainState) -> None:
  """Refuses to save what has already diverged.

  Raises:
    FloatingPointError: Names the step and the parameters.
  """
  finite = jax.device_get(_finite(state.params))
  check_finite(
      step,
      {
          f'params/{jax.tree_util.keystr(path, simple=True, separator="/")}': (
              float('nan')
          )
          for path, good in jax.tree.leaves_with_path(finite)
          if not good
      },
  )


@jax.jit
def _finite(tree: PyTree) -> PyTree:
  return jax.tree.map(lambda leaf: jnp.isfinite(leaf).all(), tree)


def describe(values: Mapping[str, float]) -> str:
  """Numbers on one line."""
  return '  '.join(f'{name} {value:.4g}' for name, value in values.items())
