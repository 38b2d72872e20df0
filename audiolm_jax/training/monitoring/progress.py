"""Reports of a run while it trains; its numbers must be finite."""

import datetime
import logging
import math
from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from audiolm_jax.progress import Reporter
from audiolm_jax.training.monitoring import throughput
from audiolm_jax.training.monitoring.overfitting import Overfitting
from audiolm_jax.training.monitoring.summaries import Summaries
from audiolm_jax.training.monitoring.throughput import Throughput
from audiolm_jax.training.state import Metrics, TrainState

log = logging.getLogger(__name__)


class Progress:
  """Reads metrics one step late, so that the device is never kept waiting."""

  def __init__(
      self,
      summaries: Summaries,
      num_steps: int,
      log_every: int,
      step: int,
      rates: Throughput,
      max_skipped: int = 0,
  ):
    """Args: as of loop.train; `step` is the steps taken before this run."""
    self.overfitting = Overfitting()
    self._summaries = summaries
    self._num_steps = num_steps
    self._log_every = log_every
    self._first = step + 1
    self._throughput = rates
    self._max_skipped = max_skipped
    self._skipped_in_a_row = 0
    self._num_skipped = 0
    self._pending: tuple[int, Metrics] | None = None
    self._reporter = Reporter(
        'Training', num_steps, 'steps', step, has_lines=False
    )

  def __enter__(self) -> 'Progress':
    self._reporter.__enter__()
    self._reporter.at(self._first - 1, 'compiling, a minute or more')
    return self

  def __exit__(self, *error) -> None:
    self._reporter.__exit__(*error)

  def is_idle(self) -> bool:
    """Returns whether the devices have done all steps that were added."""
    metrics = self._pending[1] if self._pending else {}
    return all(value.is_ready() for value in metrics.values())

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
    self._reporter.at(step)
    values = {k: float(v) for k, v in jax.device_get(metrics).items()}
    self._throughput.add(values)
    if values.pop('skipped', 0.0):
      self._skip(step, values)
      return
    check_finite(step, values)
    self._skipped_in_a_row = 0
    if 'loss' in values:
      self.overfitting.add(values['loss'])
    if step % self._log_every == 0 or step == self._num_steps:
      self._report(step, values)
    elif step == self._first:
      # Compiling is no measure of what is to come.
      self._throughput.restart()

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
    rates = self._throughput.take()
    seconds = (self._num_steps - step) / rates['steps_per_second']
    log.info(
        'step %d/%d  %s  %s  %s left',
        step,
        self._num_steps,
        describe(values),
        throughput.describe(rates),
        datetime.timedelta(seconds=round(seconds)),
    )
    shown = {f'train/{k}': v for k, v in values.items()}
    if self._max_skipped:
      shown['skipped'] = self._num_skipped
    rates = {f'throughput/{name}': rate for name, rate in rates.items()}
    self._summaries.scalars(step, shown | rates)


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
