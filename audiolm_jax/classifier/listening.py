"""Verdicts of a classifier on a stranger's clip, or why it has none."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from audiolm_jax.audio import Sound
from audiolm_jax.classifier import clips, levels
from audiolm_jax.classifier.clips import ClipClassifier
from audiolm_jax.classifier.labels import GENERATED, OTHER

Row = Float[np.ndarray, ' V']

_LEAST_RUN = 2  # Seconds; one alone may be a mistake.
# Least share of the windows with sound that a verdict rests on.
_LEAST_SHARE = 0.5


class Heard(NamedTuple):
  """A verdict on what there is to hear.

  Attributes:
    probabilities: Probability of each class: over the longest generated run if
      there is one, else over all; None if the classifier cannot say.
    track: The same for each second; None where it is silent.
    run: From when to when in seconds the longest generated run lasts, or None.
    reason: Why the classifier cannot say, or None.
  """

  probabilities: Row | None
  track: list[Row | None]
  run: tuple[float, float] | None
  reason: str | None


def listen(classifier: ClipClassifier, sound: Sound) -> Heard:
  """Asks a classifier about a clip, at the level that it was trained with.

  Windows without sound do not vote, nor do those of a kind that it has learnt
  not to judge (labels.OTHER).

  Args:
    classifier: Classifier of windows.
    sound: A clip of any length.

  Returns:
    What it says.
  """
  rate = classifier.sample_rate
  waveform = sound.at(rate)
  seconds = -(-len(waveform) // rate)
  window = round(clips.WINDOW_SECONDS * rate)
  if len(waveform) < window:
    return Heard(None, [None] * seconds, None, 'it is shorter than a second')
  starts = classifier.starts(len(waveform))
  decibels = levels.of_windows(waveform, starts, window)
  reason = levels.why_nothing(waveform, decibels, rate)
  if reason:
    return Heard(None, [None] * seconds, None, reason)
  at_level = np.clip(waveform * levels.gain(decibels), -1, 1)
  logs = classifier.log_probabilities(at_level, starts)
  loud = decibels > levels.least(decibels)
  voting = loud & ~_other(classifier, logs)
  if voting.sum() < _LEAST_SHARE * loud.sum():
    reason = 'most of it is no speech, and it has learnt to judge speech alone'
    return Heard(None, [None] * seconds, None, reason)
  heard = clips.windows_of_seconds(starts, window, len(waveform), rate)
  begun = np.arange(0, len(waveform), rate)
  silent = levels.of_windows(waveform, begun, rate) <= levels.least(decibels)
  track = [
      None if pause else _aggregate(logs, voting & mask)
      for pause, mask in zip(silent, heard, strict=True)
  ]
  run = _longest(_generated(classifier, track))
  if run is None:
    return Heard(_aggregate(logs, voting), track, None, None)
  first, last = run
  votes = voting & np.any(heard[first:last], axis=0)
  until = min(last, len(waveform) / rate)
  return Heard(_aggregate(logs, votes), track, (float(first), until), None)


def _aggregate(
    logs: Float[np.ndarray, 'W V'], votes: Bool[np.ndarray, ' W']
) -> Row | None:
  return clips.aggregate(logs[votes]) if votes.any() else None


def _other(
    classifier: ClipClassifier, logs: Float[np.ndarray, 'W V']
) -> Bool[np.ndarray, ' W']:
  """Returns which windows are of a kind that the classifier does not judge."""
  if OTHER not in classifier.labels:
    return np.zeros(len(logs), bool)
  return logs.argmax(axis=1) == classifier.labels.index(OTHER)


def _generated(
    classifier: ClipClassifier, track: list[Row | None]
) -> list[bool | None]:
  """Returns which seconds are generated; None where they are silent."""
  if GENERATED not in classifier.labels:
    return [False] * len(track)
  at = classifier.labels.index(GENERATED)
  return [None if row is None else bool(row[at] > 0.5) for row in track]


def _longest(seconds: list[bool | None]) -> tuple[int, int] | None:
  """The first and behind the last of the longest run, pauses in it included."""
  longest, start, end = None, None, 0
  for second, generated in enumerate([*seconds, False]):
    if generated:
      start, end = second if start is None else start, second + 1
    elif generated is False and start is not None:
      if longest is None or end - start > longest[1] - longest[0]:
        longest = start, end
      start = None
  long_enough = longest and (
      longest[1] - longest[0] >= min(_LEAST_RUN, len(seconds))
  )
  return longest if long_enough else None
