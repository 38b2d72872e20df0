"""What a run shows: numbers, pictures and sound in TensorBoard."""

import math
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
import tensorboardX
from jaxtyping import Float, UInt8

from audiolm_jax.spectral import log_mel
from audiolm_jax.training.state import Waveform

# Of a picture, from the loudest bin down to black.
_RANGE_DB = 80.0


@runtime_checkable
class Summaries(Protocol):
  """Where a run's numbers and sounds go."""

  def scalars(self, step: int, values: Mapping[str, float]) -> None:
    """Adds a point to each curve."""
    ...

  def waveforms(self, step: int, sounds: Mapping[str, Waveform]) -> None:
    """Adds sounds and their spectrograms."""
    ...

  def close(self) -> None:
    """Writes what is left."""
    ...


class TensorBoard:
  """Event files beside the checkpoints."""

  def __init__(self, directory: str, first_step: int):
    """Points from first_step on are a cut-off run's, and are replaced."""
    self._writer = tensorboardX.SummaryWriter(directory, purge_step=first_step)

  def scalars(self, step: int, values: Mapping[str, float]) -> None:
    """Adds a point to each curve."""
    for name, value in values.items():
      self._writer.add_scalar(name, value, step)

  def waveforms(self, step: int, sounds: Mapping[str, Waveform]) -> None:
    """Adds each row as a sound and as a log-mel picture."""
    for name, (samples, sample_rate) in sounds.items():
      for row, waveform in enumerate(samples):
        tag = f'{name}/{row}'
        sound = np.clip(waveform, -1, 1)
        grey = picture(waveform, sample_rate)
        self._writer.add_audio(tag, sound, step, sample_rate)
        self._writer.add_image(f'{tag}/log_mel', grey, step, dataformats='HW')

  def close(self) -> None:
    """Writes what is left."""
    self._writer.close()


class Silent:
  """Shows nothing: for every process but the first."""

  def scalars(self, step: int, values: Mapping[str, float]) -> None:
    """Drops them."""

  def waveforms(self, step: int, sounds: Mapping[str, Waveform]) -> None:
    """Drops them."""

  def close(self) -> None:
    """Has nothing left."""


def open_summaries(directory: str, first_step: int) -> Summaries:
  """TensorBoard on the first process, nothing on the others."""
  if jax.process_index() == 0:
    return TensorBoard(directory, first_step)
  return Silent()


def picture(
    waveform: Float[np.ndarray, ' N'], sample_rate: int
) -> UInt8[np.ndarray, 'M T']:
  """A log-mel spectrogram in grey, low notes at the bottom."""
  mels = np.asarray(log_mel(jnp.asarray(waveform)[None], sample_rate))[0]
  nepers = _RANGE_DB / 10 * math.log(10)
  grey = np.clip((mels - mels.max()) / nepers + 1, 0, 1)
  return np.round(255 * grey.T[::-1]).astype(np.uint8)
