"""Training data: endless batches that know where they are."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol, runtime_checkable

from audiolm_jax.training.partitioning import DataLayout
from audiolm_jax.training.state import Batch


@runtime_checkable
class TrainData(Protocol):
  """An endless iterator that knows where it is; its state is JSON."""

  def __next__(self) -> Batch:
    ...

  def get_state(self) -> dict[str, Any]:
    """Returns where the next batch is."""
    ...

  def set_state(self, state: dict[str, Any]) -> None:
    """Goes there."""
    ...


class Sources(NamedTuple):
  """The batches that a run learns from and is evaluated on.

  Attributes:
    train: An iterator, or a callable that makes one. A callable is given
      `shard_index` and `num_shards` where several processes share the batch.
    evaluation: Makes a fresh iterator for every evaluation; called like
      `train`. The same number of batches on all processes. None for none.
  """

  train: TrainData | Callable[..., TrainData]
  evaluation: Callable[..., Iterator[Batch]] | None


def open_data(source: Any, layout: DataLayout) -> Any:
  """Makes this process's share of the data if `source` is not yet made."""
  if not callable(source):
    return source
  return source(**layout._asdict()) if layout.num_shards > 1 else source()


def open_all(sources: Sources, layout: DataLayout) -> tuple[TrainData, Batch]:
  """Opens the training data; returns it, and its next batch as well."""
  data = open_data(sources.train, layout)
  first = peek(data)
  if sources.evaluation:
    # A split that is not there shows now, not in an hour.
    next(open_data(sources.evaluation, layout), None)
  return data, first


def peek(data: TrainData) -> Batch:
  """Looks at the next batch without taking it."""
  here = data.get_state()
  batch = next(data)
  data.set_state(here)
  return batch
