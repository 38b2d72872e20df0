"""Tests pianist.py, and which pieces piano.py takes for one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.shipped import pianist, piano
from data.shipped.scores import Score


def chorale(seed=0, bars=8, num_voices=4):
  """Block chords a beat apart, voices a fifth apart."""
  steps = np.random.default_rng(seed).integers(-3, 4, 4 * bars)
  melody = 72 + np.clip(np.cumsum(steps), -5, 5)
  notes = [
      (
          float(beat),
          1.0,
          float(pitch - 7 * voice),
          1.0 if beat % 4 == 0 else 0.5,
      )
      for beat, pitch in enumerate(melody)
      for voice in range(num_voices)
  ]
  return Score(np.array(sorted(notes)), 4.0, None, num_voices)


def play(score, composer='bach', seed=0, name='piece'):
  return pianist.perform(score, composer, seed, name)


def test_same_seed_and_name_play_the_same():
  first, second = play(chorale()), play(chorale())
  np.testing.assert_array_equal(first.notes, second.notes)
  np.testing.assert_array_equal(first.pedal, second.pedal)


@pytest.mark.parametrize('other', [dict(seed=1), dict(name='other')])
def test_other_seed_or_name_plays_otherwise(other):
  first, second = play(chorale()), play(chorale(), **other)
  assert first.notes.shape != second.notes.shape or not np.allclose(
      first.notes, second.notes
  )


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 1000),
    composer=st.sampled_from(['bach', 'mozart', 'palestrina', 'joplin']),
)
def test_hands_do_only_what_hands_can(seed, composer):
  notes, pedal = play(chorale(seed), composer, seed)
  start, end, pitch, velocity = notes.T
  assert np.all(start >= 0) and np.all(end > start)
  assert np.all((velocity >= 1) & (velocity <= 127))
  for key in np.unique(pitch):
    assert np.all(start[pitch == key][1:] >= end[pitch == key][:-1])
  assert np.all(pedal[:, 1] > pedal[:, 0])
  assert np.all(pedal[1:, 0] > pedal[:-1, 1])


def test_melody_is_brought_out():
  score = chorale(bars=16)
  notes = play(score, 'mozart').notes
  melody = set(score.notes[3::4, 2])  # The highest of each chord of four.
  top = np.isin(notes[:, 2], list(melody - set(score.notes[2::4, 2])))
  assert notes[top, 3].mean() > notes[~top, 3].mean() + 5


def test_every_written_note_is_played():
  score = chorale()
  notes = play(score, 'mozart').notes
  assert sorted(notes[:, 2]) == sorted(score.notes[:, 2])


def test_written_tempo_is_kept():
  score = chorale(bars=16)
  fast, slow = (
      play(score._replace(quarters_per_minute=tempo), 'mozart').notes[-1, 1]
      for tempo in (120.0, 60.0)
  )
  assert 1.7 < slow / fast < 2.3


def test_transposed_and_reharmonised_tune_is_the_same_tune():
  score = chorale()
  higher = score.notes + [0, 0, 2, 0]
  melody_only = score.notes[3::4]
  tunes = {
      piano.tune_of(score._replace(notes=notes))
      for notes in (score.notes, higher, melody_only)
  }
  assert len(tunes) == 1
  assert piano.tune_of(chorale(seed=1)) not in tunes


def test_tune_does_not_depend_on_the_order_of_voices():
  score = chorale()
  shuffled = np.random.default_rng(0).permutation(score.notes)
  assert piano.tune_of(score._replace(notes=shuffled)) == piano.tune_of(score)
