"""The best checkpoint of a run that kept it (`loop.train.keep_best`)."""

import json
import os

from etils import epath

from audiolm_jax.errors import UserError
from audiolm_jax.training.checkpoints import digests, fallback

# Where Orbax keeps what `save` was given.
METRICS = 'metrics/metrics'


def checkpoint(directory: str | os.PathLike, metric: str) -> tuple[int, float]:
  """Returns the step with the lowest value of a metric, and the value.

  Args:
    directory: A run's folder.
    metric: A mean of the evaluations.

  Raises:
    UserError: No checkpoint has that metric.
  """
  found = {}
  for folder in fallback.steps_folder(epath.Path(directory)).iterdir():
    path = folder / METRICS
    if path.is_file() and not digests.damage(folder, METRICS):
      found[int(folder.name)] = json.loads(path.read_text())
  values = {
      step: means[metric] for step, means in found.items() if metric in means
  }
  if not values:
    raise UserError(
        f'No checkpoint of {directory} knows its {metric}; train with'
        ' keep_best, which saves each evaluation.'
    )
  step = min(values, key=lambda step: (values[step], step))
  return step, values[step]
