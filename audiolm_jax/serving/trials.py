"""Trials of a listening test: a prompt and what followed, or was made of it.

AudioLM s. IV-G.
"""

import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from audiolm_jax import audio
from audiolm_jax.classifier.labels import GENERATED, ORIGINAL
from audiolm_jax.serving.model import Model, Wish

Waveform = Float[np.ndarray, ' _']

# Seconds, as in the paper; less where recordings are shorter than both.
_PROMPT_SECONDS, _SECONDS = 3.0, 7.0


class Trial(NamedTuple):
  """A trial that is to be judged.

  Attributes:
    number: Number of the trial, from 0.
    recording: Path of the recording.
    truth: ORIGINAL or GENERATED.
    seed: Seed of the continuation.
  """

  number: int
  recording: pathlib.Path
  truth: str
  seed: int


def trial(recordings: Sequence[pathlib.Path], seed: int, number: int) -> Trial:
  """The trial of that number; the same for the same seed.

  Recordings come in a drawn order, and in another one when all have been; a
  coin says whether what follows the prompt is the original.
  """
  turn, place = divmod(number, len(recordings))
  order = np.random.default_rng((seed, turn)).permutation(len(recordings))
  coin = np.random.default_rng((seed, number, 1)).integers(2)
  truth = GENERATED if coin else ORIGINAL
  return Trial(number, recordings[order[place]], truth, seed + number)


def sound(trial_: Trial, model: Model) -> tuple[Waveform, float]:
  """The sound of a trial, and the end of its prompt in seconds.

  All of it has gone through the codec, so that no one can tell the two kinds
  by that. Only who holds the turn of the model's line calls this.
  """
  rate = model.sample_rate
  whole = audio.read(trial_.recording, rate, seconds=_PROMPT_SECONDS + _SECONDS)
  length = len(whole) / rate
  prompt_seconds = min(_PROMPT_SECONDS, length / 2)
  prompt = whole[: round(prompt_seconds * rate)]
  prompt_seconds = model.num_prompt_samples(prompt) / rate
  if trial_.truth == ORIGINAL:
    waveform = model.copy(whole)
  else:
    seconds = length - prompt_seconds
    wish = Wish(seconds, seed=trial_.seed, keep_prompt=False)
    waveform = np.concatenate([rows[0] for rows in model.stream(prompt, wish)])
  # Both kinds have the same length, which would tell them apart otherwise.
  return waveform[: _length(model, len(whole))], prompt_seconds


def _length(model: Model, num_samples: int) -> int:
  """Whole tenths of a second, a few hundredths less than there may be."""
  tenth = model.sample_rate // 10
  return max((num_samples - tenth) // tenth, 1) * tenth
