"""Summaries of a run: numbers, pictures and sound in TensorBoard."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import jax

from audiolm_jax.training.state import Waveform


@runtime_checkable
class Summaries(Protocol):
  """A place for a run's numbers and sounds."""

  def scalars(self, step: int, values: Mapping[str, float]) -> None:
    """Adds a point to each curve."""
    ...

  def waveforms(self, step: int, sounds: Mapping[str, Waveform]) -> None:
    """Adds sounds and their spectrograms."""
    ...

  def flush(self) -> None:
    """Puts all points so far where a kill does not reach them."""
    ...

  def close(self) -> None:
    """Writes what is left."""
    ...


class Silent:
  """Shows nothing: for every process but the first."""

  def scalars(self, step: int, values: Mapping[str, float]) -> None:
    """Drops them."""

  def waveforms(self, step: int, sounds: Mapping[str, Waveform]) -> None:
    """Drops them."""

  def flush(self) -> None:
    """Has nothing to write."""

  def close(self) -> None:
    """Has nothing left."""


def open_summaries(directory: str, first_step: int) -> Summaries:
  """TensorBoard on the first process, nothing on the others."""
  if jax.process_index() == 0:
    # Its package comes with the extra [train]; help and errors do without.
    from audiolm_jax.training.monitoring.tensorboard import TensorBoard

    return TensorBoard(directory, first_step)
  return Silent()
