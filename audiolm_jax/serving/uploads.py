"""Strangers' recordings: what they may be, and what is said if they are not."""

import os
import pathlib
import tempfile

import numpy as np
from jaxtyping import Float

from audiolm_jax import audio
from audiolm_jax.errors import UserError

Waveform = Float[np.ndarray, ' _']

MOST_BYTES = 32 << 20
# Seconds.
SHORTEST = 0.5
LONGEST = 60.0
# Peak of what counts as silence, -66 dB re full scale.
_SILENT = 5e-4


def read(path: str | os.PathLike | None, sample_rate: int) -> Waveform:
  """Reads a recording that somebody has given.

  Args:
    path: Path of the server's copy of it; None if nothing was given.
    sample_rate: Sample rate of the result, in Hz.

  Raises:
    UserError: The recording is missing, too large, no audio, too short, too
      long or silent. The message names the file and not where the server keeps
      it.
  """
  if path is None:
    raise UserError('Record something, upload a file or pick a prompt first.')
  name = pathlib.Path(path).name
  if os.path.getsize(path) > MOST_BYTES:
    raise UserError(f'{name} has more than {MOST_BYTES >> 20} MB.')
  try:
    # One more second than is allowed, so that what is too long is seen to be.
    waveform = audio.read(path, sample_rate, seconds=LONGEST + 1)
  except UserError as error:
    raise UserError(str(error).replace(os.fspath(path), name)) from error
  _check(waveform, sample_rate, name)
  return waveform


def read_bytes(content: bytes, sample_rate: int) -> Waveform:
  """Reads a recording that came as the body of a request."""
  with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder, 'The body')
    path.write_bytes(content)
    return read(path, sample_rate)


def _check(waveform: Waveform, sample_rate: int, name: str) -> None:
  seconds = len(waveform) / sample_rate
  if seconds < SHORTEST:
    raise UserError(
        f'{name} lasts {seconds:.2g} s; give at least {SHORTEST:g} s.'
    )
  if seconds > LONGEST:
    raise UserError(f'{name} lasts more than {LONGEST:g} s; cut it.')
  if np.abs(waveform).max() < _SILENT:
    raise UserError(f'{name} is silent; is the microphone on?')
