"""Takes: recordings and their continuations, which one can hear and keep."""

import base64
import io
import os
from typing import Any, NamedTuple

import numpy as np
import soundfile

from audiolm_jax import audio
from audiolm_jax.audio import Sound
from audiolm_jax.errors import UserError
from audiolm_jax.generation import beginnings
from audiolm_jax.generation.generations import Generation, Waveform


class Take(NamedTuple):
  """A recording and its continuation; a notebook shows it as a player.

  Attributes:
    sound: Both, one behind the other.
    prompt_seconds: Length of the recording in the sound, in seconds.
  """

  sound: Sound
  prompt_seconds: float

  def save(self, path: str | os.PathLike) -> None:
    """Writes a 16-bit WAV, whole or not at all."""
    audio.write(path, self.sound.samples, self.sound.sample_rate)

  def _repr_html_(self) -> str:
    """A player that holds the sound, for IPython and Jupyter."""
    content = io.BytesIO()
    samples = np.clip(self.sound.samples, -1.0, 1.0)
    soundfile.write(content, samples, self.sound.sample_rate, format='WAV')
    data = base64.b64encode(content.getvalue()).decode()
    return f'<audio controls src="data:audio/wav;base64,{data}"></audio>'


def take(made: Generation, prompt: Waveform, sample_rate: int) -> Take:
  """A generation behind its true prompt."""
  samples = beginnings.keep_prompt(made, prompt, sample_rate)
  return Take(Sound(samples, sample_rate), made.prompt_samples / sample_rate)


def read(recording: Any, sample_rate: int) -> Waveform:
  """Reads a recording as mono.

  Args:
    recording: A path or an opened file of audio, or a Sound; users hand over
      anything, and are told what it has to be.
    sample_rate: Sample rate of the result, in Hz.

  Raises:
    UserError: The recording is no audio, or a waveform without its rate.
  """
  if isinstance(recording, Sound):
    return audio.convert(
        np.asarray(recording.samples), recording.sample_rate, sample_rate
    )
  if isinstance(recording, str | os.PathLike):
    return audio.read(recording, sample_rate)
  if not hasattr(recording, 'read'):
    raise UserError(
        f'A {type(recording).__name__} is no recording; give a path, an opened'
        ' file or audiolm_jax.audio.Sound(samples, sample_rate).'
    )
  try:
    samples, rate = soundfile.read(recording, dtype='float32')
  except soundfile.LibsndfileError as error:
    raise UserError(
        f'The opened file is not audio that libsndfile reads ({error}); give'
        ' its path, or convert it to WAV or FLAC.'
    ) from error
  return audio.convert(samples, rate, sample_rate)
