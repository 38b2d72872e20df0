"""The batches of a round, through seqio."""

from collections.abc import Iterator

import numpy as np

from audiolm_jax.tokens.batches import crops_task, windows_task
from audiolm_jax.tokens.batches.converter import (
    StageFeatureConverter,
    without_padding,
)
from audiolm_jax.tokens.batches.plan import Plan
from audiolm_jax.tokens.batches.seqio_source import SPLIT, Ordered


def sequences(plan: Plan) -> Iterator[dict[str, np.ndarray]]:
  """Batches as those of sequences.batches, but for their positions.

  Raises:
    UserError: A file is damaged or gone, said when it is read.
  """
  ordered = Ordered(plan)
  task = crops_task.task(
      plan.token_dir,
      plan.cut.stage,
      plan.cut.crop_seconds,
      plan.cut.random,
      source=ordered.source,
  )
  lengths = dict.fromkeys(task.output_features, plan.cut.length)
  found = task.get_dataset(lengths, SPLIT, shuffle=False)
  if plan.pack:
    found = found.map(without_padding)
  found = StageFeatureConverter(pack=plan.pack)(found, lengths)
  return ordered.elements(
      found.batch(plan.rows, drop_remainder=not plan.partial)
  )


def windows(plan: Plan) -> Iterator[dict[str, np.ndarray]]:
  """Batches as those of windows.batches.

  Raises:
    UserError: A file is damaged or gone, said when it is read.
  """
  ordered = Ordered(plan)
  task = windows_task.task(plan.token_dir, plan.cut, ordered.source)
  found = task.get_dataset(None, SPLIT, shuffle=False)
  return ordered.elements(
      found.batch(plan.rows, drop_remainder=not plan.partial)
  )
