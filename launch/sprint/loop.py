"""Steps until the time is over, a log of them, and weights on the way."""

import collections
import json
import math
import pathlib
import time
from collections.abc import Callable, Mapping
from typing import Any

import jax
from jaxtyping import PyTree

from audiolm_jax.training.state import Metrics, TrainState
from launch.sprint import folder
from launch.sprint.folder import Parcel
from launch.sprint.pace import Clock
from launch.sprint.tasks import Task

# There is nothing to tell of codebooks that stay.
_NOT_LOGGED = ('perplexity/', 'dead_codes/', 'weight')


class Saver:
  """Writes the weights now and then."""

  def __init__(
      self,
      out: pathlib.Path,
      contents: Mapping[str, Any],
      weights: Callable[[TrainState], PyTree],
      every_seconds: float,
  ):
    """Args: `contents` of the packed folder; what is trained stays in it."""
    names = ('task', 'config', 'fingerprint')
    self._contents = {n: contents[n] for n in names if n in contents}
    self._out, self._weights = out, weights
    self._every, self._last = every_seconds, time.monotonic()

  def maybe(self, state: TrainState) -> None:
    """Writes them if it is time."""
    if time.monotonic() - self._last >= self._every:
      self.save(state)

  def save(self, state: TrainState) -> None:
    """Writes them; what was written before stands until all is there.

    Raises:
      FloatingPointError: They are not finite; what stands is what was.
    """
    weights = jax.device_get(self._weights(state))
    step = int(state.step)
    if not all(math.isfinite(leaf.sum()) for leaf in jax.tree.leaves(weights)):
      raise FloatingPointError(
          f'Weights of step {step} are not finite; run again with a lower'
          f' --learning_rate. {self._out} has what was written before.'
      )
    stream = {'weights': folder.weights_to_bytes(weights)}
    folder.write(self._out, Parcel({**self._contents, 'step': step}, stream))
    self._last = time.monotonic()


class Log:
  """Means of what the steps find, as JSON lines."""

  def __init__(self, path: pathlib.Path, every_seconds: float):
    self._path, self._every = path, every_seconds
    self._path.write_text('')
    self._start()

  def add(self, metrics: Metrics, seconds: float) -> None:
    """Adds one step, and how much sound it heard; nothing is waited for."""
    logged = {
        name: value
        for name, value in metrics.items()
        if not name.startswith(_NOT_LOGGED)
    }
    self._steps.append(logged)
    self._seconds += seconds

  def maybe(self, clock: Clock, step: int) -> None:
    """Writes a line if it is time."""
    if time.monotonic() - self._since >= self._every:
      self.write(clock, step)

  def write(self, clock: Clock, step: int) -> None:
    """Writes a line of what came since the last one, if anything did."""
    if not self._steps:
      return
    sums = collections.defaultdict(float)
    for metrics in jax.device_get(self._steps):
      for name, value in metrics.items():
        sums[name] += float(value) / len(self._steps)
    wall = max(time.monotonic() - self._since, 1e-9)
    line = {'step': step, 'elapsed': round(clock.elapsed, 1)}
    line |= {'audio_seconds_per_second': round(self._seconds / wall, 1)}
    line |= {name: round(value, 4) for name, value in sums.items()}
    text = json.dumps(line)
    with self._path.open('a') as file:
      file.write(text + '\n')
    print(text, flush=True)
    self._start()

  def _start(self) -> None:
    self._steps, self._seconds = [], 0.0
    self._since = time.monotonic()


def train(
    task: Task,
    clock: Clock,
    saver: Saver,
    log: Log,
    seed: int = 0,
    num_steps: int | None = None,
) -> int:
  """Trains until the time is over, or for so many steps; returns their number.

  Raises:
    FloatingPointError: The weights are no longer finite.
  """
  step = jax.jit(task.train_step.step, donate_argnums=0)
  key = jax.random.key(seed)
  state, count, last = task.state, 0, None
  for batch in task.batches:
    opt_state = task.rates(state.opt_state, count, clock.share)
    state, metrics = step(state.replace(opt_state=opt_state), batch, key)
    # One step ahead of the device: more would make the clock lie.
    jax.block_until_ready(last)
    last, count = metrics, count + 1
    if count == 1:
      jax.block_until_ready(state)
      clock.begin()
    log.add(metrics, task.seconds(batch))
    log.maybe(clock, count)
    saver.maybe(state)
    if clock.over if num_steps is None else count == num_steps:
      break
  log.write(clock, count)
  saver.save(state)
  return count
