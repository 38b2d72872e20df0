"""Notes of piano, as a transcriber writes them down, in numbers."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

PIANO_KEYS = range(21, 109)


class Note(NamedTuple):
  """A key that is struck.

  Attributes:
    start_seconds: Time at which it is struck.
    end_seconds: Time from which it is no longer heard.
    pitch: MIDI number; 60 is the middle C.
    velocity: Strength of the stroke, 0 to 1.
  """

  start_seconds: float
  end_seconds: float
  pitch: int
  velocity: float


# (waveform, sample_rate) -> notes, in any order.
Transcribe = Callable[[Float[np.ndarray, ' N'], int], Sequence[Note]]


class Statistics(NamedTuple):
  """Statistics of the notes of an excerpt; NaN where no note says it.

  Attributes:
    notes_per_second: Struck keys.
    pitch_range: Semitones from the lowest to the highest note.
    mean_pitch: MIDI number.
    note_seconds: Mean duration.
    velocity: Mean, 0 to 1.
    polyphony: Mean number of notes that sound where any does.
    pitch_classes: Share of the sounding time of each class from C on; zeros
      where there is no note.
  """

  notes_per_second: float
  pitch_range: float
  mean_pitch: float
  note_seconds: float
  velocity: float
  polyphony: float
  pitch_classes: Float[np.ndarray, '12']


def statistics(notes: Sequence[Note], seconds: float) -> Statistics:
  """Statistics of the notes of an excerpt of so many seconds."""
  if not notes:
    return Statistics(0.0, *[float('nan')] * 5, np.zeros(12))
  pitches = np.array([note.pitch for note in notes])
  lengths = np.array([note.end_seconds - note.start_seconds for note in notes])
  classes = np.bincount(pitches % 12, weights=lengths, minlength=12)
  sounding = _union(notes)
  return Statistics(
      len(notes) / seconds,
      float(np.ptp(pitches)),
      float(pitches.mean()),
      float(lengths.mean()),
      float(np.mean([note.velocity for note in notes])),
      float(lengths.sum() / sounding) if sounding else float('nan'),
      classes / max(classes.sum(), 1e-12),
  )


def overlap(first: Statistics, second: Statistics) -> float:
  """Share of the sounding time that has the same pitch classes.

  1 for the same harmony, 0 for none in common or where nothing is played; NaN
  where nothing is played in the first, which is the one to agree with.
  """
  if not first.pitch_classes.any():
    return float('nan')
  pair = first.pitch_classes, second.pitch_classes
  return float(np.minimum(*pair).sum())


def onset_f1(reference: Sequence[Note], found: Sequence[Note]) -> float:
  """F1 of struck keys: the same pitch within 50 ms (mir_eval's, MIREX's).

  1 where both are empty, and 0 where one is.
  """
  # The extra [eval] brings it; the help of the verbs does without.
  import mir_eval

  if not reference or not found:
    return float(len(reference) == len(found))
  *_, f1, _ = mir_eval.transcription.precision_recall_f1_overlap(
      *_intervals_and_pitches(reference),
      *_intervals_and_pitches(found),
      offset_ratio=None,
  )
  return float(f1)


def _intervals_and_pitches(
    notes: Sequence[Note],
) -> tuple[Float[np.ndarray, 'K 2'], Float[np.ndarray, ' K']]:
  """Starts and ends in seconds, and pitches in Hz."""
  times = np.array([(note.start_seconds, note.end_seconds) for note in notes])
  pitches = np.array([note.pitch for note in notes])
  return times, 440.0 * 2.0 ** ((pitches - 69) / 12)


def _union(notes: Sequence[Note]) -> float:
  """Seconds in which at least one note sounds."""
  total, until = 0.0, float('-inf')
  for start, end, *_ in sorted(notes):
    total += max(0.0, end - max(start, until))
    until = max(until, end)
  return total
