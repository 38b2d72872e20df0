"""Rules for the checkpoints that stay."""

import operator
from collections.abc import Callable, Iterable

import orbax.checkpoint as ocp
from etils import epath
from orbax.checkpoint.checkpoint_managers import preservation_policy

from audiolm_jax.errors import UserError
from audiolm_jax.training.checkpoints import best, digests, fallback


def options(
    last: int,
    num_best: int,
    every: int,
    metric: str,
    on_commit: Callable[[], None],
) -> ocp.CheckpointManagerOptions:
  """Options for Orbax; a checkpoint stays if any of three reasons holds.

  Args:
    last: So many of the newest.
    num_best: So many with the lowest value of the metric.
    every: Checkpoints whose step it divides stay; 0 for none.
    metric: A mean of the evaluations.
    on_commit: Called when all files are written.
  """
  policies = [preservation_policy.LatestN(last)]
  if every:
    policies.append(preservation_policy.EveryNSteps(every))
  if num_best:
    policies.append(
        preservation_policy.BestN(
            n=num_best,
            get_metric_fn=operator.itemgetter(metric),
            reverse=True,  # Those that are sorted last are kept.
            keep_checkpoints_without_metrics=False,
        )
    )
  return ocp.CheckpointManagerOptions(
      preservation_policy=preservation_policy.AnyPreservationPolicy(policies),
      # Without it metrics are neither written nor read.
      best_fn=operator.itemgetter(metric) if num_best else None,
      best_mode='min',
      cleanup_tmp_directories=True,
      async_options=ocp.AsyncOptions(post_finalization_callback=on_commit),
  )


def hide_damaged_metrics(steps: epath.Path) -> None:
  """Renames those that are not what was saved.

  Orbax reads the metrics of all checkpoints when it opens a folder, and trips
  over one that is no JSON, or has other names. Those that have none are merely
  not the best; that a file is missing is seen when they are restored.

  Args:
    steps: The folder of checkpoints.
  """
  for folder in list(steps.iterdir()):
    path = folder / best.METRICS
    if path.is_file() and (reason := digests.damage(folder, best.METRICS)):
      fallback.pass_over(folder, reason)
      path.rename(path.parent / 'damaged')


def check_metric(metric: str, known: Iterable[str]) -> None:
  """Refuses a metric that evaluations will not find.

  Args:
    metric: Its name.
    known: Names of the means; none if there are no evaluations.

  Raises:
    UserError: The metric is not one of them.
  """
  names = sorted(set(known) - {'weight'})
  if not names:
    raise UserError('keep_best needs eval_data, by which checkpoints are best.')
  if metric not in names:
    raise UserError(
        f'best_metric is {metric!r}, which evaluations do not find; set it to'
        f' one of {", ".join(names)}.'
    )
