"""Label sidecars: what is said or played when, and the label of each frame."""

import csv
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from audiolm_jax.errors import UserError

# The label of a frame in which nothing is annotated; such frames do not count.
UNLABELLED = ''


class Interval(NamedTuple):
  """One annotated stretch: a phone, or a note as its MIDI pitch."""

  start_seconds: float
  end_seconds: float
  label: str


def read(path: str) -> list[Interval]:
  """Reads `start_seconds<TAB>end_seconds<TAB>label` lines, sorted by start.

  Raises:
    UserError: the file is missing or a line is not of that form.
  """
  try:
    with open(path, newline='', encoding='utf-8') as file:
      reader = csv.reader(file, delimiter='\t', quoting=csv.QUOTE_NONE)
      return sorted(_interval(row, path, i) for i, row in enumerate(reader, 1))
  except OSError as e:
    raise UserError(f'{path}: cannot read labels ({e.strerror}).') from e


def _interval(row: list[str], path: str, line: int) -> Interval:
  try:
    start, end, label = row
    return Interval(float(start), float(end), label)
  except ValueError as e:
    raise UserError(
        f'{path}:{line}: expected start_seconds<TAB>end_seconds<TAB>label, got'
        f' {row}.'
    ) from e


def are_pitches(intervals: Sequence[Interval]) -> bool:
  """Says whether every label is a number, as MIDI pitches are."""
  return all(interval.label.isdecimal() for interval in intervals)


def of_frames(
    intervals: Sequence[Interval], num_frames: int, frame_seconds: float
) -> np.ndarray:
  """The label at the centre of each frame, UNLABELLED outside of all.

  The highest of notes that sound together counts: in keyboard music it mostly
  carries the melody, and one label a frame keeps the measures those of speech.
  Where other labels overlap, the one that started last counts.
  """
  pitched = are_pitches(intervals)
  rank = (lambda i: int(i.label)) if pitched else (lambda i: i.start_seconds)
  labels = np.full(num_frames, UNLABELLED, dtype=object)
  for interval in sorted(intervals, key=rank):
    first = frame_at(interval.start_seconds, frame_seconds)
    last = frame_at(interval.end_seconds, frame_seconds)
    labels[first:last] = interval.label
  return labels


def frame_at(seconds: float, frame_seconds: float) -> int:
  """The first frame whose centre is not before a time."""
  return max(0, int(np.ceil(seconds / frame_seconds - 0.5)))
