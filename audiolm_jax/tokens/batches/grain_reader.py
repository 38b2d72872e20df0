"""The batches of a round, through Grain: no TensorFlow is imported."""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import grain
import numpy as np
from grain import experimental

from audiolm_jax.tokens.batches import cuts, rows
from audiolm_jax.tokens.batches.order import Visit
from audiolm_jax.tokens.batches.plan import Plan

# Python decodes, one thread at a time; the others wait for a slow disk.
_READING = grain.ReadOptions(num_threads=4, prefetch_buffer_size=64)
_BATCHES_AHEAD = 2


class _Each(experimental.FlatMapTransform):
  """Makes several elements of one."""

  # Heeded only where elements have an index; these come one after the other.
  max_fan_out = 1 << 30

  def __init__(self, split: Callable[[Any], Sequence[Any]]):
    self._split = split

  def flat_map(self, element: Any) -> Sequence[Any]:
    """The elements that follow each other."""
    return self._split(element)


def sequences(plan: Plan) -> Iterator[dict[str, np.ndarray]]:
  """Batches as those of sequences.batches, but for their positions.

  Raises:
    UserError: A file is damaged or gone, said when it is read.
  """
  found = _examples(plan)
  if not plan.pack:
    return _batches(found, plan, rows.padded)
  length = plan.cut.length
  # So many sequences at a time: seqio packs as many.
  together = found.batch(length, batch_fn=list)
  packing = functools.partial(rows.pack, length=length)
  found = experimental.FlatMapIterDataset(together, _Each(packing))
  return _batches(found, plan, rows.packed)


def windows(plan: Plan) -> Iterator[dict[str, np.ndarray]]:
  """Batches as those of windows.batches.

  Raises:
    UserError: A file is damaged or gone, said when it is read.
  """
  return _batches(_examples(plan), plan, dict)


def _examples(plan: Plan) -> grain.IterDataset:
  """The examples that are cut from recordings, one by one."""
  sources = tuple(plan.cut.stage.frames_per_unit)

  def cut(visit: Visit) -> cuts.Sequences | cuts.Windows:
    codes = plan.recordings.codes(visit.recording, sources)
    return plan.cut(codes, visit.seed)

  read = grain.MapDataset.source(plan.visits).map(cut)
  read = read.to_iter_dataset(_READING)
  return experimental.FlatMapIterDataset(read, _Each(_apart))


def _apart(
    cut: cuts.Sequences | cuts.Windows,
) -> list[dict[str, np.ndarray]]:
  return [
      dict(zip(cut._fields, row, strict=True)) for row in zip(*cut, strict=True)
  ]


def _batches(
    examples: grain.IterDataset,
    plan: Plan,
    finish: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]],
) -> Iterator[dict[str, np.ndarray]]:
  batches = examples.batch(plan.rows, drop_remainder=not plan.partial)
  ahead = experimental.ThreadPrefetchIterDataset(
      batches.map(finish), prefetch_buffer_size=_BATCHES_AHEAD
  )
  return iter(ahead)
