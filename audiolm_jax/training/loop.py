"""The only train loop; it knows TrainStep, never a model."""

import contextlib
import itertools
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

import jax
from jaxtyping import PyTree

from audiolm_jax.training import evaluating, starting
from audiolm_jax.training.checkpoints import keeping
from audiolm_jax.training.checkpoints.checkpoints import Checkpoints, Restored
from audiolm_jax.training.monitoring.progress import Progress, check_params
from audiolm_jax.training.monitoring.stopping import Stopping
from audiolm_jax.training.monitoring.summaries import open_summaries
from audiolm_jax.training.monitoring.throughput import Throughput
from audiolm_jax.training.monitoring.watchdog import Watchdog
from audiolm_jax.training.partitioning import (
    DataLayout,
    Partitioner,
    default_partitioner,
)
from audiolm_jax.training.skipping import SkipNonFinite
from audiolm_jax.training.state import Batch, TrainState, TrainStep

log = logging.getLogger(__name__)


@runtime_checkable
class TrainData(Protocol):
  """An endless iterator that knows where it is; its state is JSON."""

  def __next__(self) -> Batch:
    ...

  def get_state(self) -> dict[str, Any]:
    """Where the next batch is."""
    ...

  def set_state(self, state: dict[str, Any]) -> None:
    """Goes there."""
    ...


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
    initial: Callable[[], Mapping[str, PyTree]] | None = None,
    operative_config: str = '',
) -> TrainState:
  """Trains, going on from the newest intact checkpoint in model_dir if any.

  A run that was stopped, or killed, and started again gives the same bits as
  one that was not: noise comes from (seed, step), and the data's position is
  saved with the state.

  Args:
    train_step: The model, its losses and its optimizers.
    train_data: An iterator, or a callable that makes one. A callable is given
      `shard_index` and `num_shards` where several processes share the batch.
    model_dir: Gets checkpoints, TensorBoard events, model.json and config.gin.
    num_steps: Steps in all, those of earlier runs included.
    eval_data: Makes a fresh iterator for every evaluation; called like
      train_data. The same number of batches on all processes.
    partitioner: Mesh and axis rules; pure data parallelism if None.
    log_every: Steps between log lines.
    eval_every: Steps between evaluations; the last step is evaluated too.
    num_eval_batches: Batches taken at most from eval_data.
    save_every: Steps between checkpoints; the first and last are saved too.
    keep: Newest checkpoints kept.
    keep_best: Checkpoints kept besides, of those with the lowest best_metric;
      every evaluation is then followed by one.
    keep_every: Checkpoints whose step it divides are kept too; 0 for none.
    best_metric: A mean of the evaluations.
    seed: Of parameters and noise.
    time_limit_seconds: Saves and returns when it is over; compiling counts.
    stall_seconds: Ends the process if a batch, a step or a checkpoint
      takes longer: the data or another host is gone. Compiling the
      step does not count.
    max_skipped: Steps in a row that may be left out because the loss or the
      state is not finite; one more stops the run. 0 stops at the first.
    initial: Returns weights to start from, {'params', 'mutables'} or parts of
      them; not called if there is a checkpoint to go on from.
    operative_config: Text saved beside the model.

  Returns:
    The state after the last step taken: fewer than num_steps after SIGTERM or
    the time limit.

  Raises:
    FloatingPointError: A metric or a parameter is NaN or infinite, more than
      max_skipped times in a row. Names step and metric; an earlier checkpoint
      is kept.
    UserError: The checkpoints or initial weights are another model's, or all
      checkpoints are damaged.
  """
  partitioner = partitioner or default_partitioner()
  stopping, watchdog = Stopping(time_limit_seconds), Watchdog(stall_seconds)
  # They stay until the last checkpoint is on disk.
  with stopping, watchdog:
    with watchdog.waiting_for('the first batch'):
      data = open_data(train_data, partitioner.data_layout)
      first = peek(data)
      if eval_data:
        # A split that is not there shows now, not in an hour.
        next(open_data(eval_data, partitioner.data_layout), None)
    if max_skipped:
      train_step = SkipNonFinite(train_step)
    init_key, noise_key = jax.random.split(jax.random.key(seed))
    compiled = partitioner.compile(train_step, init_key, first)
    if keep_best:
      means = compiled.metrics() if eval_data else ()
      keeping.check_metric(best_metric, means)
    config = train_step.model_config()
    with Checkpoints(
        model_dir, keep, keep_best, keep_every, best_metric
    ) as checkpoints:
      with watchdog.waiting_for('the checkpoint to go on from'):
        restored = checkpoints.restore_latest(compiled.abstract, config)
      state, data_state = restored or Restored(
          compiled.init(), data.get_state()
      )
      if initial and not restored:
        state = starting.replace(state, initial(), config)
      data.set_state(data_state)
      start = int(state.step)

      def save(step: int, found: Mapping[str, float] | None = None) -> None:
        with watchdog.waiting_for(f'the checkpoint of step {step}'):
          progress.flush()
          # What a checkpoint is past of, nobody computes again.
          summaries.flush()
          check_params(step, state)
          checkpoints.save(
              step, state, data.get_state(), config, operative_config, found
          )

      def evaluate(step: int) -> dict[str, float]:
        with watchdog.waiting_for(f'step {step}, or for another host'):
          progress.flush()
        batches = open_data(eval_data, partitioner.data_layout)
        batches = itertools.islice(batches, num_eval_batches)
        batches = watchdog.watched(
            map(partitioner.put, batches), 'a batch of the evaluation'
        )
        return evaluating.evaluate(compiled, state, batches, step, summaries)

      summaries = open_summaries(model_dir, start + 1)
      rates = Throughput(compiled.flops() / partitioner.mesh.size)
      progress = Progress(
          summaries, num_steps, log_every, start, rates, max_skipped
      )
      with contextlib.closing(summaries):
        if not restored:
          # A full or unwritable disk shows now, not in an hour.
          save(start)
        for step in range(start + 1, num_steps + 1):
          with (
              watchdog.waiting_for(f'the batch of step {step}'),
              rates.waiting_for_data(progress.is_idle),
          ):
            batch = partitioner.put(next(data))
          state, metrics = compiled.step(state, batch, noise_key)
          with watchdog.waiting_for(f'step {step - 1}, or for another host'):
            progress.add(step, metrics)
          stop = stopping.reason(step)
          last = step == num_steps
          found = None
          if eval_data and not stop and (step % eval_every == 0 or last):
            found = evaluate(step)
          if step % save_every == 0 or last or stop or (found and keep_best):
            save(step, found)
          if stop:
            log.info(
                'Stopped by %s at step %d; start again to go on.', stop, step
            )
            break
      with watchdog.waiting_for('the last checkpoint to be written'):
        checkpoints.wait()
  return state


def open_data(source: Any, layout: DataLayout) -> Any:
  """Makes this process's share of the data if `source` is not yet made."""
  if not callable(source):
    return source
  return source(**layout._asdict()) if layout.num_shards > 1 else source()


def peek(data: TrainData) -> Batch:
  """Looks at the next batch without taking it."""
  here = data.get_state()
  batch = next(data)
  data.set_state(here)
  return batch
