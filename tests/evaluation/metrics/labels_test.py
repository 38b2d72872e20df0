"""Tests `audiolm_jax/evaluation/metrics/labels.py`."""

import pytest

from audiolm_jax.errors import UserError
from audiolm_jax.evaluation.metrics import labels
from audiolm_jax.evaluation.metrics.labels import Interval


def test_a_frame_has_the_label_at_its_centre():
  intervals = [Interval(0.0, 0.1, 'a'), Interval(0.1, 0.22, 'b')]
  found = labels.of_frames(intervals, num_frames=7, frame_seconds=0.04)
  assert list(found) == ['a', 'a', 'b', 'b', 'b', '', '']


def test_of_sounding_notes_the_highest_counts():
  chord = [Interval(0.0, 1.0, '60'), Interval(0.0, 0.5, '101')]
  chord.append(Interval(0.25, 1.0, '52'))
  found = labels.of_frames(chord, num_frames=4, frame_seconds=0.25)
  assert list(found) == ['101', '101', '60', '60']


def test_of_overlapping_phones_the_later_counts():
  intervals = [Interval(0.0, 1.0, 'a'), Interval(0.5, 1.0, 'A')]
  found = labels.of_frames(intervals, num_frames=2, frame_seconds=0.5)
  assert list(found) == ['a', 'A']


def test_a_file_is_read_in_order_of_time(tmp_path):
  path = tmp_path / 'clip.tsv'
  path.write_text('0.5\t1.0\tb\'\n0.0\t0.5\t"\n')
  first = Interval(0.0, 0.5, '"')
  assert labels.read(str(path)) == [first, Interval(0.5, 1.0, "b'")]


@pytest.mark.parametrize('line', ['0.5 1.0 b', '0.5\tx\tb', '0.5\t1.0'])
def test_a_bad_line_is_named(tmp_path, line):
  path = tmp_path / 'clip.tsv'
  path.write_text('0.0\t0.5\ta\n' + line + '\n')
  with pytest.raises(UserError, match='clip.tsv:2: expected'):
    labels.read(str(path))


def test_a_missing_file_is_named(tmp_path):
  with pytest.raises(UserError, match='nowhere.tsv'):
    labels.read(str(tmp_path / 'nowhere.tsv'))
