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
      self, summaries: Summaries, num_steps: int, log_every: int, step: int
  ):
    """Args: `step` is the number of steps taken before this run."""
    self._summaries = summaries
    self._num_steps = num_steps
    self._log_every = log_every
    self._first = step + 1
    self._pending: tuple[int, Metrics] | None = None
    self._mark = step, time.monotonic()

  def add(self, step: int, metrics: Metrics) -> None:
    """Takes a step's metrics and looks at those of the step before."""
    self.flush()
    self._pending = step, metrics

  def flush(self) -> None:
    """Waits for the metrics taken last.

    Raises:
      FloatingPointError: One of them is NaN or infinite.
    """
    if self._pending is None:
      return
    step, metrics = self._pending
    self._pending = None
    values = {k: float(v) for k, v in jax.device_get(metrics).items()}
    check_finite(step, values)
    if step % self._log_every == 0 or step == self._num_steps:
      self._report(step, values)
    elif step == self._first:
      # Compiling is no measure of what is to come.
      self._mark = step, time.monotonic()

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
    self._summaries.scalars(
        step, {f'train/{k}': v for k, v in values.items()} | {'speed': speed}
    )


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
