"""Evaluations: means over batches, and sounds to listen to."""

import itertools
import logging
from collections.abc import Iterator, Sequence

import jax
import numpy as np

from audiolm_jax.errors import UserError
from audiolm_jax.training.monitoring.progress import check_finite, describe
from audiolm_jax.training.monitoring.summaries import Summaries
from audiolm_jax.training.programs import Compiled
from audiolm_jax.training.state import Batch, Metrics, TrainState

log = logging.getLogger(__name__)


def evaluate(
    compiled: Compiled,
    state: TrainState,
    batches: Iterator[Batch],
    step: int,
    summaries: Summaries,
) -> dict[str, float]:
  """Returns and shows means over all batches, and sounds made from the first.

  Warns, in the log, of what the means say against the run.

  Raises:
    FloatingPointError: A mean is NaN or infinite.
    UserError: There is no batch.
  """
  first = next(batches, None)
  if first is None:
    raise UserError('eval_data has no batch; lower its batch size.')
  metrics = [
      compiled.evaluate(state, batch)
      for batch in itertools.chain([first], batches)
  ]
  means = means_by_weight(metrics)
  shown = {f'eval/{name}': value for name, value in means.items()}
  log.info('step %d  %s', step, describe(shown))
  check_finite(step, shown)
  for warning in compiled.warnings(means):
    log.warning('Step %d: %s', step, warning)
  summaries.scalars(step, shown)
  summaries.waveforms(step, compiled.waveforms(state, first))
  return means


def means_by_weight(metrics: Sequence[Metrics]) -> dict[str, float]:
  """Means over what 'weight' counts (tokens, examples), not over batches."""
  metrics = jax.device_get(metrics)
  weights = np.array([m['weight'] for m in metrics], np.float64)
  return {
      name: float(np.average([m[name] for m in metrics], weights=weights))
      for name in metrics[0]
      if name != 'weight'
  }
