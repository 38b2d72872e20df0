"""Is a generated waveform what it should be? Checks that need no listener."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from audiolm_jax.evaluation.metrics import fidelity, mel

# Limits, wide of what recordings give: two of one speaker correlate by at most
# 0.51, one with itself under noise of 5 dB by 0.70; speech repeats itself by at
# most 0.41, a loop by at least 0.96; what people say next is 4 dB quieter than
# what they said, in the mean.
MIN_PROMPT_CORRELATION = 0.6
MIN_LEVEL_DBFS = -55.0
MIN_RELATIVE_LEVEL_DB = -15.0
# Seconds at the end, where a voice may pause.
END_SECONDS = 2.0
MIN_END_LEVEL_DB = -30.0
CLIPPED_AMPLITUDE = 0.999
MAX_CLIPPED_SHARE = 1e-3
MAX_REPETITION = 0.7
LOOP_SECONDS = (0.1, 3.0)
# A sound whose frames differ less than this is a loop; white noise varies more.
MIN_VARIETY_DB = 3.0
_NAN = float('nan')


class Prompt(NamedTuple):
  """Measures of the true prompt's likeness to a generation's beginning.

  Attributes:
    mel_distance: Mel distance to the true prompt, dB.
    correlation: Correlation of the log-mel spectrograms.
    best_other: The highest correlation with any other prompt, NaN if none.
    recognised: Whether it is clearly this prompt and none of the others.
  """

  mel_distance: float
  correlation: float
  best_other: float
  recognised: bool


class Continuation(NamedTuple):
  """Measures of the generated part, and its faults.

  Attributes:
    level_dbfs: Root mean square, dB of full scale.
    relative_level_db: Level over that of the prompt; NaN without a prompt.
    end_level_db: Level of the last END_SECONDS over that of the prompt, or of
      the whole if there is no prompt; NaN if it lasts less than twice as long.
    clipped: Share of samples at full scale.
    repetition: 1 if it repeats itself frame by frame at some lag from 0.1 s to
      3 s, near 0 if no lag brings back anything.
    flux: Mean change from frame to frame, dB a band.
    faults: Names out of 'silent', 'fades' (it ends in silence), 'clipped',
      'loop' and 'nothing' (the recording was over at once).
  """

  level_dbfs: float
  relative_level_db: float
  end_level_db: float
  clipped: float
  repetition: float
  flux: float
  faults: list[str]


# Where the model said that the recording is over already.
NOTHING = Continuation(_NAN, _NAN, _NAN, 0.0, 0.0, _NAN, ['nothing'])


def check_prompt(
    generated: Float[np.ndarray, ' N'],
    prompt: Float[np.ndarray, ' N'],
    others: Sequence[Float[np.ndarray, ' M']],
    sample_rate: int,
) -> Prompt:
  """Compares the beginning of a generation with the true prompt.

  Args:
    generated: The generation's first samples, as many as the prompt's.
    prompt: The true prompt.
    others: Other prompts, of any length.
    sample_rate: Sample rate of all, Hz.
  """
  correlation = fidelity.spectral_correlation(prompt, generated, sample_rate)
  best_other = max(
      (_overlap_correlation(other, generated, sample_rate) for other in others),
      default=_NAN,
  )
  return Prompt(
      mel_distance=fidelity.mel_distance(prompt, generated, sample_rate),
      correlation=correlation,
      best_other=best_other,
      # Written so that NaN, no other prompt, recognises.
      recognised=correlation >= MIN_PROMPT_CORRELATION
      and not correlation <= best_other,
  )


def check_continuation(
    continuation: Float[np.ndarray, ' N'],
    prompt: Float[np.ndarray, ' M'] | None,
    sample_rate: int,
) -> Continuation:
  """Looks for silence, clipping and loops in the generated part.

  Args:
    continuation: Without the prompt.
    prompt: Prompt that it continues, or None.
    sample_rate: Sample rate of both, Hz.
  """
  level = level_dbfs(continuation)
  relative = _NAN if prompt is None else level - level_dbfs(prompt)
  end = _end_level(continuation, sample_rate) - level_dbfs(
      continuation if prompt is None else prompt
  )
  clipped = float((np.abs(continuation) >= CLIPPED_AMPLITUDE).mean())
  spectrogram = mel.log_mel_db(continuation, sample_rate)
  repeats = repetition(spectrogram)
  found = {
      'silent': level < MIN_LEVEL_DBFS or relative < MIN_RELATIVE_LEVEL_DB,
      'fades': end < MIN_END_LEVEL_DB,
      'clipped': clipped > MAX_CLIPPED_SHARE,
      'loop': repeats > MAX_REPETITION,
  }
  return Continuation(
      level_dbfs=level,
      relative_level_db=relative,
      end_level_db=end,
      clipped=clipped,
      repetition=repeats,
      flux=float(np.abs(np.diff(_audible(spectrogram), axis=0)).mean()),
      faults=[fault for fault, is_found in found.items() if is_found],
  )


def level_dbfs(waveform: Float[np.ndarray, ' N']) -> float:
  """Root mean square in dB of full scale, -120 at the least."""
  power = np.square(waveform.astype(np.float64)).mean()
  return float(10.0 * np.log10(max(power, 1e-12)))


def _end_level(waveform: Float[np.ndarray, ' N'], sample_rate: int) -> float:
  length = round(END_SECONDS * sample_rate)
  return level_dbfs(waveform[-length:]) if len(waveform) >= 2 * length else _NAN


def repetition(spectrogram: Float[np.ndarray, 'T M']) -> float:
  """Finds the lag at which a spectrogram resembles itself most.

  1 - (mean distance of frames at that lag) / (mean distance of any two frames):
  1 for a frozen frame and for an exact loop; NaN if it is too short to tell.
  """
  frames = _audible(spectrogram)
  first, last = (round(s / mel.HOP_SECONDS) for s in LOOP_SECONDS)
  lags = range(first, min(last, len(frames) // 2) + 1)
  if not lags:
    return _NAN
  order = np.random.default_rng(0).permutation(len(frames))
  typical = max(_distance(frames, frames[order]), MIN_VARIETY_DB)
  nearest = min(_distance(frames[lag:], frames[:-lag]) for lag in lags)
  return 1.0 - nearest / typical


def _audible(spectrogram: Float[np.ndarray, 'T M']) -> Float[np.ndarray, 'T M']:
  return np.maximum(spectrogram, spectrogram.max() - mel.DYNAMIC_RANGE_DB)


def _distance(
    first: Float[np.ndarray, 'T M'], second: Float[np.ndarray, 'T M']
) -> float:
  return float(np.abs(first - second).mean())


def _overlap_correlation(
    first: Float[np.ndarray, ' N'],
    second: Float[np.ndarray, ' M'],
    sample_rate: int,
) -> float:
  length = min(len(first), len(second))
  return fidelity.spectral_correlation(
      first[:length], second[:length], sample_rate
  )
