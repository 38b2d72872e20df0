"""Tests `audiolm_jax/evaluation/sections/piano.py`, its excerpts and notes."""

import sys

import numpy as np
import pytest

from audiolm_jax.evaluation.metrics import music
from audiolm_jax.evaluation.metrics.music import Sound
from audiolm_jax.evaluation.metrics.transcription import Note
from audiolm_jax.evaluation.sections import piano
from audiolm_jax.evaluation.subjects import piano_excerpts
from audiolm_jax.evaluation.subjects.piano_excerpts import OTHER, TRUE, Excerpts
from audiolm_jax.evaluation.tables import Missing

RATE = 100
NAMES = 'AudioLM', 'acoustic only'


def waveform(pitch):
  """Says what it plays in its first sample; a second long."""
  return np.full(RATE, pitch, np.float32)


def transcribe(sound, sample_rate):
  assert sample_rate == RATE
  return [Note(0.0, 1.0, int(sound[0]), 0.5)] if sound[0] else []


@pytest.fixture(name='excerpts')
def fixture_excerpts():
  """AudioLM stays in the key of three pieces out of four, the other never."""
  played = [60, 61, 62, 63]
  return Excerpts(
      [waveform(pitch) for pitch in played],
      ['a', 'b', 'c', 'd'],
      {
          TRUE: [waveform(pitch + 12) for pitch in played],
          'AudioLM': [waveform(pitch) for pitch in (60, 61, 62, 68)],
          'acoustic only': [waveform(pitch + 6) for pitch in played],
      },
      RATE,
  )


@pytest.fixture(name='tables')
def fixture_tables(excerpts, monkeypatch):
  def listen(sound, sample_rate):
    return Sound(np.eye(12)[int(sound[0]) % 12], sound[0])

  monkeypatch.setattr(music, 'missing_library', lambda: None)
  monkeypatch.setattr(music, 'listen', listen)
  found = piano.tables(excerpts, transcribe, NAMES)
  return {table.name: table for table in found}


def column(table, name):
  place = list(table.header).index(name)
  return {row[0]: row[place] for row in table.rows}


def test_the_truth_is_the_ceiling_and_another_piece_the_floor(tables):
  cosine = column(tables['piano_agreement'], 'chroma cosine')
  assert {name: figure.value for name, figure in cosine.items()} == {
      TRUE: 1.0,
      'AudioLM': 0.75,
      'acoustic only': 0.0,
      OTHER: 0.0,
  }
  assert cosine['AudioLM'].num_groups == 4
  assert cosine['AudioLM'].low < 0.75 < cosine['AudioLM'].high


def test_notes_are_compared_with_the_prompt_and_with_the_truth(tables):
  table = tables['piano_notes']
  for reference in ('overlap with the prompt', 'overlap with the truth'):
    overlaps = column(table, reference)
    assert overlaps[TRUE].value == 1.0
    assert overlaps['AudioLM'].value == 0.75
    assert overlaps[OTHER].value == 0.0
  assert column(table, 'notes a second')['AudioLM'].value == 1.0


def test_a_preference_counts_the_prompts_that_are_won(tables):
  table = tables['piano_preference']
  wins = {row[0]: row[1] for row in table.rows}
  # Three are won; the last is a tie of two that both left the key.
  assert wins['chroma cosine'].value == 87.5
  assert wins['overlap of pitch classes'].value == 87.5
  assert wins["the paper's listeners"] == 83.3


def test_all_rows_are_as_long_as_the_header(tables):
  for table in tables.values():
    assert {len(row) for row in table.rows} == {len(table.header)}


def test_missing_packages_are_cells_and_no_crash(excerpts, monkeypatch):
  monkeypatch.setitem(sys.modules, 'librosa', None)
  why = Missing('no transcriber')
  agreement, notes, preference = piano.tables(excerpts, why, NAMES)
  assert all('librosa' in row[1].why for row in agreement.rows)
  assert all(row[1] == why for row in notes.rows)
  assert len(notes.rows) == 4 and len(preference.rows) == 1
  assert {len(row) for row in notes.rows} == {len(notes.header)}


def test_others_are_of_another_piece():
  pieces = ['a', 'a', 'b', 'c', 'a']
  others = piano_excerpts.other_pieces(pieces)
  assert others == [2, 2, 3, 4, 2]
  assert piano_excerpts.other_pieces(['a', 'a']) is None


def test_one_piece_alone_has_no_floor(excerpts):
  alone = excerpts._replace(pieces=['a'] * 4).with_others()
  assert OTHER not in alone.continuations
