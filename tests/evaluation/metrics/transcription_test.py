"""Tests `audiolm_jax/evaluation/metrics/transcription.py`."""

import numpy as np
import pytest

from audiolm_jax.evaluation.metrics import transcription
from audiolm_jax.evaluation.metrics.transcription import Note

# C for 2 s, E over its second half and 1 s more, C an octave up after a rest.
NOTES = [
    Note(0.0, 2.0, 60, 0.5),
    Note(1.0, 3.0, 64, 0.7),
    Note(5.0, 6.0, 72, 0.9),
]


def test_statistics_worked_out_by_hand():
  found = transcription.statistics(NOTES, 10.0)
  assert found.notes_per_second == 0.3
  assert found.pitch_range == 12
  assert found.mean_pitch == pytest.approx(196 / 3)
  assert found.note_seconds == pytest.approx(5 / 3)
  assert found.velocity == pytest.approx(0.7)
  # 5 s of notes within 4 s that are not silent.
  assert found.polyphony == pytest.approx(1.25)
  assert found.pitch_classes[0] == pytest.approx(0.6)
  assert found.pitch_classes[4] == pytest.approx(0.4)


def test_the_order_of_notes_does_not_matter():
  one = transcription.statistics(NOTES, 10.0)
  other = transcription.statistics(NOTES[::-1], 10.0)
  np.testing.assert_allclose(one.pitch_classes, other.pitch_classes)
  assert one[:-1] == pytest.approx(other[:-1])


def transposed(semitones):
  moved = [note._replace(pitch=note.pitch + semitones) for note in NOTES]
  return transcription.statistics(moved, 10.0)


def test_overlap_falls_with_every_class_that_is_not_shared():
  home = transposed(0)
  # A third up, E is shared; a semitone up, nothing is.
  scores = [transcription.overlap(home, transposed(n)) for n in (12, 4, 1)]
  assert scores == pytest.approx([1.0, 0.4, 0.0])


def test_where_nothing_is_played_nothing_agrees():
  nothing = transcription.statistics([], 10.0)
  assert nothing.notes_per_second == 0.0 and np.isnan(nothing.polyphony)
  assert transcription.overlap(transposed(0), nothing) == 0.0
  assert np.isnan(transcription.overlap(nothing, transposed(0)))


def test_f1_counts_struck_keys_and_forgives_50_ms():
  played = [Note(k / 2, k / 2 + 0.4, 60 + k, 0.5) for k in range(4)]
  late = [
      note._replace(start_seconds=note.start_seconds + 0.04) for note in played
  ]
  assert transcription.onset_f1(played, played) == 1
  assert transcription.onset_f1(played, late[::-1]) == 1
  later = [
      note._replace(start_seconds=note.start_seconds + 0.08) for note in played
  ]
  assert transcription.onset_f1(played, later) == 0
  higher = [note._replace(pitch=note.pitch + 1) for note in played[:2]]
  # Two of four are found, and two of four that are found are there.
  found = played[2:] + higher
  assert transcription.onset_f1(played, found) == pytest.approx(0.5)
  # All that is found is there, of half: 2 / (1 + 2).
  assert transcription.onset_f1(played, played[:2]) == pytest.approx(2 / 3)


def test_f1_of_nothing():
  note = Note(0.0, 1.0, 60, 0.5)
  assert transcription.onset_f1([], []) == 1
  assert transcription.onset_f1([note], []) == 0
  assert transcription.onset_f1([], [note]) == 0
