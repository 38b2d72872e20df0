"""A run on its way: steps, evaluations and checkpoints, until it ends."""

import dataclasses
import itertools
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jaxtyping import PRNGKeyArray

from audiolm_jax.training import evaluating
from audiolm_jax.training.checkpoints.checkpoints import Checkpoints
from audiolm_jax.training.data import TrainData, open_data
from audiolm_jax.training.monitoring.progress import Progress, check_params
from audiolm_jax.training.monitoring.stopping import Stopping
from audiolm_jax.training.monitoring.summaries import Summaries
from audiolm_jax.training.monitoring.throughput import Throughput
from audiolm_jax.training.monitoring.watchdog import Watchdog
from audiolm_jax.training.partitioning import Partitioner
from audiolm_jax.training.programs import Compiled
from audiolm_jax.training.settings import Schedule
from audiolm_jax.training.state import Batch, TrainState

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Folder:
  """The checkpoints of a run, and what they hold beside its state.

  Attributes:
    checkpoints: Checkpoints of the run.
    config: Configuration that rebuilds the model.
    operative_config: Text that the run was configured with.
    after_evaluations: Whether a checkpoint follows every evaluation.
  """

  checkpoints: Checkpoints
  config: dict[str, Any]
  operative_config: str
  after_evaluations: bool


@dataclasses.dataclass(frozen=True)
class Monitors:
  """The objects that watch a run.

  Attributes:
    stopping: Says when to stop.
    watchdog: Ends a run that waits for what does not come.
    summaries: Curves, pictures and sounds.
    progress: Log lines, and numbers that must be finite.
    rates: Throughput of the run.
  """

  stopping: Stopping
  watchdog: Watchdog
  summaries: Summaries
  progress: Progress
  rates: Throughput


@dataclasses.dataclass
class Run:
  """A run with all that it works with.

  Attributes:
    schedule: Steps at which the run logs, evaluates and saves.
    compiled: The programs of the model.
    partitioner: Puts batches on devices.
    data: Training batches, from the state's next one on.
    eval_data: Makes the data of an evaluation; None for none.
    folder: Checkpoints that the run is saved to.
    monitors: Objects that watch the run.
    noise_key: Key of all steps.
    state: After the last step that was taken.
  """

  schedule: Schedule
  compiled: Compiled
  partitioner: Partitioner
  data: TrainData
  eval_data: Callable[..., Iterator[Batch]] | None
  folder: Folder
  monitors: Monitors
  noise_key: PRNGKeyArray
  state: TrainState

  def go_on(self, start: int) -> None:
    """Takes the steps behind `start`, until the last or a reason to stop."""
    for step in range(start + 1, self.schedule.num_steps + 1):
      self._take(step)
      stop = self.monitors.stopping.reason(step)
      found = None
      if self.eval_data and not stop and self.schedule.evaluates(step):
        found = self._evaluate(step)
      wanted = found and self.folder.after_evaluations
      if self.schedule.saves(step) or stop or wanted:
        self.save(step, found)
      if stop:
        log.info('Stopped by %s at step %d; start again to go on.', stop, step)
        return

  def save(self, step: int, found: Mapping[str, float] | None = None) -> None:
    """Saves the state of this step, and what an evaluation found."""
    with self.monitors.watchdog.waiting_for(f'the checkpoint of step {step}'):
      self.monitors.progress.flush()
      # What a checkpoint is past of, nobody computes again.
      self.monitors.summaries.flush()
      check_params(step, self.state)
      self.folder.checkpoints.save(
          step,
          self.state,
          self.data.get_state(),
          self.folder.config,
          self.folder.operative_config,
          found,
      )

  def _take(self, step: int) -> None:
    watchdog, progress = self.monitors.watchdog, self.monitors.progress
    with (
        watchdog.waiting_for(f'the batch of step {step}'),
        self.monitors.rates.waiting_for_data(progress.is_idle),
    ):
      batch = self.partitioner.put(next(self.data))
    self.state, metrics = self.compiled.step(self.state, batch, self.noise_key)
    with watchdog.waiting_for(f'step {step - 1}, or for another host'):
      progress.add(step, metrics)

  def _evaluate(self, step: int) -> dict[str, float]:
    watchdog = self.monitors.watchdog
    with watchdog.waiting_for(f'step {step}, or for another host'):
      self.monitors.progress.flush()
    batches = open_data(self.eval_data, self.partitioner.data_layout)
    batches = itertools.islice(batches, self.schedule.num_eval_batches)
    batches = watchdog.watched(
        map(self.partitioner.put, batches), 'a batch of the evaluation'
    )
    means = evaluating.evaluate(
        self.compiled, self.state, batches, step, self.monitors.summaries
    )
    if 'loss' in means:
      overfitting = self.monitors.progress.overfitting
      if warning := overfitting.warning(step, means['loss']):
        log.warning('%s', warning)
    return means
