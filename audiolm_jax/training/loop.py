"""The only train loop; it knows TrainStep, never a model."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping

import jax
from jaxtyping import PRNGKeyArray, PyTree

from audiolm_jax.training import starting
from audiolm_jax.training.checkpoints import keeping, lock
from audiolm_jax.training.checkpoints.checkpoints import Checkpoints, Restored
from audiolm_jax.training.data import Sources, TrainData, open_all
from audiolm_jax.training.monitoring.progress import Progress
from audiolm_jax.training.monitoring.stopping import Stopping
from audiolm_jax.training.monitoring.summaries import open_summaries
from audiolm_jax.training.monitoring.throughput import Throughput
from audiolm_jax.training.monitoring.watchdog import Watchdog
from audiolm_jax.training.partitioning import Partitioner, default_partitioner
from audiolm_jax.training.programs import Compiled
from audiolm_jax.training.run import Folder, Monitors, Run
from audiolm_jax.training.settings import Keeping, Limits, Schedule
from audiolm_jax.training.skipping import SkipNonFinite
from audiolm_jax.training.state import Batch, TrainState, TrainStep

Initial = Callable[[], Mapping[str, PyTree]]


def train(
    train_step: TrainStep,
    train_data: TrainData | Callable[..., TrainData],
    model_dir: str,
    num_steps: int,
    eval_data: Callable[..., Iterator[Batch]] | None = None,
    partitioner: Partitioner | None = None,
    log_every: int = 100,
    eval_every: int = 1000,
    num_eval_batches: int = 8,
    save_every: int = 1000,
    keep: int = 3,
    keep_best: int = 0,
    keep_every: int = 0,
    best_metric: str = 'loss',
    seed: int = 0,
    time_limit_seconds: float = float('inf'),
    stall_seconds: float = 1800.0,
    max_skipped: int = 0,
    initial: Initial | None = None,
    operative_config: str = '',
) -> TrainState:
  """Trains, going on from the newest intact checkpoint in model_dir if any.

  A run that was stopped, or killed, and started again gives the same bits as
  one that was not: noise comes from (seed, step), and the data's position is
  saved. Other arguments are those of settings.Schedule, Keeping and Limits.

  Args:
    train_step: The model, its losses and its optimizers.
    train_data: `train` of data.Sources.
    model_dir: Gets checkpoints, TensorBoard events, model.json and config.gin.
    eval_data: `evaluation` of data.Sources.
    partitioner: Mesh and axis rules; pure data parallelism if None.
    seed: Seed of parameters and noise.
    initial: Returns weights to start from, {'params', 'mutables'} or parts of
      them; it is called unless there is a checkpoint.
    operative_config: Text saved beside the model.

  Returns:
    The state after the last step taken; SIGTERM or the time limit end it early.

  Raises:
    FloatingPointError: A metric or a parameter is NaN or infinite, more than
      max_skipped times in a row; an earlier checkpoint is kept.
    UserError: The checkpoints or initial weights are another model's, all
      checkpoints are damaged, or another run trains in `model_dir`.
  """
  task = _Task(
      SkipNonFinite(train_step) if max_skipped else train_step,
      Sources(train_data, eval_data),
      partitioner or default_partitioner(),
      model_dir,
      Schedule(num_steps, log_every, eval_every, num_eval_batches, save_every),
      Keeping(keep, keep_best, keep_every, best_metric),
      Limits(time_limit_seconds, stall_seconds, max_skipped),
      initial,
      operative_config,
  )
  return task.run(*jax.random.split(jax.random.key(seed)))


@dataclasses.dataclass(frozen=True)
class _Task:
  """The arguments of `train`, but for the seed."""

  train_step: TrainStep
  sources: Sources
  partitioner: Partitioner
  model_dir: str
  schedule: Schedule
  keeping: Keeping
  limits: Limits
  initial: Initial | None
  operative_config: str

  def run(self, init_key: PRNGKeyArray, noise_key: PRNGKeyArray) -> TrainState:
    stopping = Stopping(self.limits.time_limit_seconds)
    watchdog = Watchdog(self.limits.stall_seconds)
    # They stay until the last checkpoint is on disk.
    with stopping, watchdog:
      with watchdog.waiting_for('the first batch'):
        data, first = open_all(self.sources, self.partitioner.data_layout)
      compiled = self.partitioner.compile(self.train_step, init_key, first)
      self._check_metric(compiled)
      kept = dataclasses.asdict(self.keeping)
      with (
          lock.alone_in(self.model_dir),
          Checkpoints(self.model_dir, **kept) as checkpoints,
      ):
        with watchdog.waiting_for('the checkpoint to go on from'):
          found = checkpoints.restore_latest(
              compiled.abstract, self.train_step.model_config()
          )
        is_new = not found
        restored = found or self._beginning(compiled, data)
        data.set_state(restored.data_state)
        start = int(restored.state.step)
        run = Run(
            self.schedule,
            compiled,
            self.partitioner,
            data,
            self.sources.evaluation,
            self._folder(checkpoints),
            self._monitors(stopping, watchdog, compiled, start),
            noise_key,
            restored.state,
        )
        # Nothing here holds on to the first state while later ones are made.
        del found, restored
        with contextlib.closing(run.monitors.summaries):
          if is_new:
            # A full or unwritable disk shows now, not in an hour.
            run.save(start)
          with run.monitors.progress:
            run.go_on(start)
        with watchdog.waiting_for('the last checkpoint to be written'):
          checkpoints.wait()
    return run.state

  def _beginning(self, compiled: Compiled, data: TrainData) -> Restored:
    state = compiled.init()
    if self.initial:
      config = self.train_step.model_config()
      state = starting.replace(state, self.initial(), config)
    return Restored(state, data.get_state())

  def _check_metric(self, compiled: Compiled) -> None:
    if self.keeping.keep_best:
      means = compiled.metrics() if self.sources.evaluation else ()
      keeping.check_metric(self.keeping.best_metric, means)

  def _folder(self, checkpoints: Checkpoints) -> Folder:
    return Folder(
        checkpoints,
        self.train_step.model_config(),
        self.operative_config,
        after_evaluations=bool(self.keeping.keep_best),
    )

  def _monitors(
      self,
      stopping: Stopping,
      watchdog: Watchdog,
      compiled: Compiled,
      start: int,
  ) -> Monitors:
    summaries = open_summaries(self.model_dir, start + 1)
    rates = Throughput(compiled.flops() / self.partitioner.mesh.size)
    progress = Progress(
        summaries,
        self.schedule.num_steps,
        self.schedule.log_every,
        start,
        rates,
        self.limits.max_skipped,
    )
    return Monitors(stopping, watchdog, summaries, progress, rates)
