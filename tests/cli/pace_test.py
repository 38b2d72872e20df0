"""Tests audiolm_jax/cli/pace.py."""

import itertools
import time

import pytest

from audiolm_jax.cli.pace import Pace


@pytest.fixture(autouse=True)
def clock(monkeypatch):
  """Ten seconds pass between two looks at it."""
  ticks = itertools.count(0, 10.0)
  monkeypatch.setattr(time, 'monotonic', lambda: next(ticks))


def test_each_batch_tells_its_speed_and_what_is_left(capsys):
  pace = Pace(num_samples=12, num_to_make=12)
  pace.add(num_samples=4, num_made=4, seconds=40.0)
  pace.add(num_samples=4, num_made=4, seconds=20.0)
  first, second = capsys.readouterr().out.splitlines()
  assert first == (
      '4/12 samples, 10.0 s for 40.0 s of audio (real-time factor 0.250), 20 s'
      ' left'
  )
  assert second.startswith('8/12 samples, 10.0 s for 20.0 s')
  assert second.endswith('(real-time factor 0.500), 10 s left')


def test_what_is_there_already_takes_one_line_and_no_time(capsys):
  pace = Pace(num_samples=16, num_to_make=6)
  pace.skip(4)
  pace.skip(4)
  pace.add(num_samples=4, num_made=2, seconds=40.0)
  pace.finish()
  skipped, made, total = capsys.readouterr().out.splitlines()
  assert skipped == '8/16 samples: 8 were there already'
  assert made.startswith('12/16 samples, 10.0 s')
  assert made.endswith(', 60 s left')  # Of four more, for 30 s so far.
  assert total.startswith('Made 2: 40.0 s of audio in 30.0 s')


def test_a_long_batch_tells_how_far_it_is(capsys):
  pace = Pace(num_samples=8, num_to_make=8)
  pace.within(num_made=4, seconds=20.0, total=80.0)
  pace.add(num_samples=4, num_made=4, seconds=320.0)
  within, done = capsys.readouterr().out.splitlines()
  # An eighth of all took ten seconds.
  assert within == '0/8 samples, 20.0 of 80.0 s of the next 4, 70 s left'
  assert done.startswith('4/8 samples, 20.0 s for 320.0 s of audio')


def test_lines_within_a_batch_are_seconds_apart(capsys, monkeypatch):
  monkeypatch.setattr(time, 'monotonic', itertools.count(0.0).__next__)
  pace = Pace(num_samples=1, num_to_make=1)
  for seconds in range(25):
    pace.within(num_made=1, seconds=float(seconds), total=25.0)
  assert len(capsys.readouterr().out.splitlines()) == 2
