"""Settings of a run for `loop.train`, grouped by subject."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Schedule:
  """The steps at which a run logs, evaluates and saves.

  Attributes:
    num_steps: Steps in all, those of earlier runs included.
    log_every: Steps between log lines.
    eval_every: Steps between evaluations; the last step is evaluated too.
    num_eval_batches: Batches taken at most of an evaluation's data.
    save_every: Steps between checkpoints; the first and last are saved too.
  """

  num_steps: int
  log_every: int
  eval_every: int
  num_eval_batches: int
  save_every: int

  def evaluates(self, step: int) -> bool:
    """Returns whether an evaluation follows this step."""
    return step % self.eval_every == 0 or step == self.num_steps

  def saves(self, step: int) -> bool:
    """Returns whether a checkpoint follows this step."""
    return step % self.save_every == 0 or step == self.num_steps


@dataclasses.dataclass(frozen=True)
class Keeping:
  """The checkpoints that stay.

  Attributes:
    keep: Newest checkpoints kept.
    keep_best: Checkpoints kept besides, of those with the lowest best_metric;
      every evaluation is then followed by one.
    keep_every: Checkpoints whose step it divides are kept too; 0 for none.
    best_metric: A mean of the evaluations.
  """

  keep: int
  keep_best: int
  keep_every: int
  best_metric: str


@dataclasses.dataclass(frozen=True)
class Limits:
  """The limits that end a run before its last step.

  Attributes:
    time_limit_seconds: Saves and returns when it is over; compiling counts.
    stall_seconds: Ends the process if a batch, a step or a checkpoint takes
      longer: the data or another host is gone. Compiling the step does not
      count.
    max_skipped: Steps in a row that may be left out because the loss or the
      state is not finite; one more stops the run. 0 stops at the first.
  """

  time_limit_seconds: float
  stall_seconds: float
  max_skipped: int
