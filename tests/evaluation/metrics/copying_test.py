"""Tests `audiolm_jax/evaluation/metrics/copying.py`."""

from typing import NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolm_jax.evaluation.metrics import copying


class Coded(NamedTuple):
  semantic: np.ndarray
  acoustic: np.ndarray


def lengths(clips, training):
  return [run.length for run in copying.longest_runs(clips, training)]


class Counted(list):
  """Counts how often it is read."""

  times = 0

  def __iter__(self):
    self.times += 1
    return super().__iter__()


def column(ids):
  return np.array(ids, np.int32).reshape(-1, 1)


def by_hand(clip, training):
  """Every run of the clip against every place of the training set."""
  text = [tuple(frame) for frame in clip.tolist()]
  best = 0
  for recording in training:
    other = [tuple(frame) for frame in recording.tolist()]
    for i in range(len(text)):
      for j in range(len(other)):
        n = 0
        while text[i + n : i + n + 1] == other[j + n : j + n + 1] != []:
          n += 1
        best = max(best, n)
  return best


@st.composite
def frames(draw, most):
  levels, ids = 2, st.integers(0, 2)
  rows = draw(st.lists(st.lists(ids, min_size=2, max_size=2), max_size=most))
  return np.array(rows, np.int32).reshape(-1, levels)


@settings(max_examples=60, deadline=None)
@given(
    clips=st.lists(frames(12), max_size=4),
    training=st.lists(frames(20), max_size=3),
)
def test_runs_are_those_found_by_hand(clips, training):
  runs = copying.longest_runs(clips, training)
  assert [run.length for run in runs] == [
      by_hand(clip, training) for clip in clips
  ]
  for clip, (start, length) in zip(clips, runs, strict=True):
    piece = clip[start : start + length]
    assert len(piece) == length == by_hand(piece, training)


def recordings(count, length, seed, size=256):
  random = np.random.default_rng(seed)
  return [column(random.integers(size, size=length)) for _ in range(count)]


def test_a_planted_copy_is_found_whole_and_a_stranger_is_not():
  training = recordings(40, 500, 0)
  strangers = recordings(8, 175, 1)
  copies = copying.planted(strangers, training)
  assert lengths(copies, training) == [175] * 8
  assert max(lengths(strangers, training)) <= 4


def test_a_run_is_as_long_as_what_is_left_of_a_copy():
  training = recordings(5, 500, 0)
  copy = training[3][100:200].copy()
  assert lengths([copy], training) == [100]
  copy[60] += 1
  assert lengths([copy], training) == [60]
  np.random.default_rng(0).shuffle(copy)
  assert lengths([copy], training)[0] < 5


def test_no_run_reaches_over_the_end_of_a_recording():
  first, second = recordings(2, 50, 0)
  clip = np.concatenate([first[-10:], second[:20]])
  assert lengths([clip], [first, second]) == [20]


def test_a_frame_counts_if_all_its_levels_agree():
  codes = np.arange(40).reshape(10, 4)
  other = codes.copy()
  other[5, 2] += 1
  clip = [Coded(np.arange(10), other)]
  training = [Coded(np.arange(10), codes)]

  def runs(kind, *levels):
    return lengths(kind(clip, *levels), kind(training, *levels))

  assert runs(copying.acoustic, 2) == [10] and runs(copying.acoustic, 4) == [5]
  assert runs(copying.semantic) == [10]


def test_the_training_set_is_read_a_few_times_only():
  training = Counted(recordings(20, 300, 0))
  copying.longest_runs(recordings(16, 200, 1), training)
  assert 0 < training.times <= np.ceil(np.log2(201))
