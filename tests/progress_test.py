"""Tests audiolm_jax/progress.py."""

import io
import itertools
import logging
import sys

import pytest
from absl import logging as absl_logging

from audiolm_jax import progress


class Terminal(io.StringIO):
  """Says that somebody is looking."""

  def isatty(self):
    return True


@pytest.fixture
def clock(monkeypatch):
  """Four seconds pass between two looks at it."""
  ticks = itertools.count(0.0, 4.0)
  monkeypatch.setattr(progress.time, 'monotonic', lambda: next(ticks))


def terminal(monkeypatch) -> Terminal:
  """Stands in for stderr; pytest puts its own there after fixtures ran."""
  monkeypatch.setenv('TERM', 'xterm')
  stream = Terminal()
  monkeypatch.setattr(sys, 'stderr', stream)
  return stream


@pytest.mark.usefixtures('clock')
def test_all_items_come_and_the_time_left_is_said(caplog):
  with caplog.at_level(logging.INFO):
    assert list(progress.follow('abcdef', 'Letters')) == list('abcdef')
  # Four seconds an item; nothing is said twice within ten.
  assert caplog.messages == ['Letters: 3/6, 0:00:12 left']


@pytest.mark.usefixtures('clock')
def test_work_done_before_has_no_speed(caplog):
  with caplog.at_level(logging.INFO):
    reporter = progress.Reporter('Extracting', 100, 'clips', done=40)
    for done in (41, 42, 46):
      reporter.at(done, 'two folders')
  (line,) = caplog.messages
  assert line == (
      'Extracting: 46/100 clips, 0.5 clips/s, two folders, 0:01:48 left'
  )


def test_work_that_ends_at_once_says_nothing(caplog):
  with caplog.at_level(logging.INFO):
    assert list(progress.follow([1, 2], 'Numbers')) == [1, 2]
  assert not caplog.messages


def test_a_terminal_sees_a_bar_and_no_lines(monkeypatch, caplog):
  screen = terminal(monkeypatch)
  with caplog.at_level(logging.INFO):
    with progress.Reporter('Extracting', 4, 'clips') as reporter:
      for done in range(5):
        reporter.at(done)
  shown = screen.getvalue()
  assert 'Extracting' in shown and '4/4' in shown and 'clips/s' in shown
  assert not caplog.messages


def test_one_bar_at_a_time(monkeypatch):
  screen = terminal(monkeypatch)
  for _ in range(2):
    with progress.Reporter('Outer', 2):
      assert list(progress.follow([1, 2], 'Inner')) == [1, 2]
  assert 'Outer' in screen.getvalue() and 'Inner' not in screen.getvalue()


def test_a_million_is_written_out(monkeypatch):
  screen = terminal(monkeypatch)
  with progress.Reporter('Training', 1_000_000, done=999_999) as reporter:
    reporter.at(1_000_000)
  assert '999999/1000000' in screen.getvalue()


def test_what_is_logged_stands_above_the_bar_and_streams_come_back(monkeypatch):
  screen = terminal(monkeypatch)
  handler = absl_logging.get_absl_handler().python_handler
  before = handler.setStream(sys.__stderr__)
  logger = logging.getLogger('audiolm_jax.told')
  root = logging.getLogger()
  root.addHandler(absl_logging.get_absl_handler())
  try:
    with progress.Reporter('Training', 4):
      logger.error('something to know')
    assert handler.stream is sys.__stderr__
  finally:
    root.removeHandler(absl_logging.get_absl_handler())
    handler.setStream(before or handler.stream)
  assert 'something to know' in screen.getvalue()
  assert sys.stderr is screen
