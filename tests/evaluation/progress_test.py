"""Tests `audiolm_jax/evaluation/progress.py`."""

import logging

from audiolm_jax.evaluation import progress


def test_all_items_come_and_the_time_left_is_said(monkeypatch, caplog):
  clock = iter(range(0, 1000, 4))
  monkeypatch.setattr(progress.time, 'monotonic', lambda: next(clock))
  with caplog.at_level(logging.INFO):
    assert list(progress.follow(list('abcde'), 'Letters')) == list('abcde')
  # Four seconds an item; nothing is said twice within five.
  assert caplog.messages == [
      'Letters: 1/5, 0:00:32 left',
      'Letters: 3/5, 0:00:11 left',
  ]
