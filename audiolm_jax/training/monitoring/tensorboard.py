"""TensorBoard's event files, written so that a kill loses nothing flushed."""

import math
import os
import time
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, UInt8
from tensorboardX import summary
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto import event_pb2

from audiolm_jax.nn.spectral import log_mel
from audiolm_jax.training.state import Waveform

# From the loudest bin of a picture down to black.
_RANGE_DB = 80.0


class TensorBoard:
  """Event files beside the checkpoints.

  tensorboardX's own SummaryWriter hands points to a thread, and its flush does
  not wait for it: a process that is killed loses points it has flushed.
  """

  def __init__(self, directory: str, first_step: int):
    """Points from first_step on are a cut-off run's, and are replaced."""
    path = os.path.join(directory, 'events')
    # Another run within the second would write over the same file.
    self._writer = EventsWriter(path, f'.{first_step}')
    start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
    self._write(first_step, session_log=start)

  def scalars(self, step: int, values: Mapping[str, float]) -> None:
    """Adds a point to each curve."""
    for name, value in values.items():
      self._write(step, summary=summary.scalar(name, value))

  def waveforms(self, step: int, sounds: Mapping[str, Waveform]) -> None:
    """Adds each row as a sound and as a log-mel picture."""
    for name, (samples, sample_rate) in sounds.items():
      for row, waveform in enumerate(samples):
        tag = f'{name}/{row}'
        sound = summary.audio(tag, np.clip(waveform, -1, 1), sample_rate)
        grey = picture(waveform, sample_rate)
        mels = summary.image(f'{tag}/log_mel', grey, dataformats='HW')
        self._write(step, summary=sound)
        self._write(step, summary=mels)

  def flush(self) -> None:
    """Puts all points so far where a kill does not reach them."""
    self._writer.flush()

  def close(self) -> None:
    """Writes what is left."""
    self._writer.close()

  def _write(self, step: int, **content: Any) -> None:
    event = event_pb2.Event(step=step, wall_time=time.time(), **content)
    self._writer.write_event(event)


def picture(
    waveform: Float[np.ndarray, ' N'], sample_rate: int
) -> UInt8[np.ndarray, 'M T']:
  """A log-mel spectrogram in grey, low notes at the bottom."""
  mels = np.asarray(log_mel(jnp.asarray(waveform)[None], sample_rate))[0]
  nepers = _RANGE_DB / 10 * math.log(10)
  grey = np.clip((mels - mels.max()) / nepers + 1, 0, 1)
  return np.round(255 * grey.T[::-1]).astype(np.uint8)
