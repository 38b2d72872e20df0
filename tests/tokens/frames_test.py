"""Tests audiolm_jax/tokens/frames.py."""

import numpy as np
import pytest

from audiolm_jax.errors import UserError
from audiolm_jax.soundstorm.stage import soundstorm
from audiolm_jax.tokens import frames
from tests.tokens import random_store

STAGE = soundstorm(random_store.SIZES)


def codes(num_units: int):
  record = random_store.record(0, num_units, 'train')
  return {'semantic': record.semantic[:, None], 'acoustic': record.acoustic}


def test_each_acoustic_frame_has_the_semantic_id_it_falls_in():
  ids = np.array([[3, 1, 4], [1, 5, 9]])
  found = frames.at_acoustic_rate(STAGE, ids)
  assert found.tolist() == [[3, 3, 1, 1, 4, 4], [1, 1, 5, 5, 9, 9]]


def test_rates_that_do_not_divide_meet_at_whole_units():
  """50 Hz and 75 Hz: three acoustic frames for two semantic ids."""
  sizes = random_store.SIZES._replace(semantic_rate=50.0, acoustic_rate=75.0)
  found = frames.at_acoustic_rate(soundstorm(sizes), np.array([0, 1, 2, 3, 4]))
  assert found.tolist() == [0, 0, 1, 2, 2, 3]


@pytest.mark.parametrize(
    'start, size, length', [(0, 5, 5), (3, 5, 5), (7, 5, 3)]
)
def test_a_window_is_a_piece_of_the_recording(start, size, length):
  whole = codes(10)
  window = frames.cut(STAGE, whole, start, size, 6)
  inside = slice(2 * start, 2 * (start + length))
  assert window.length == 2 * length
  assert window.semantic.shape == (12,) and window.acoustic.shape == (12, 4)
  np.testing.assert_array_equal(
      window.acoustic[: window.length], whole['acoustic'][inside]
  )
  np.testing.assert_array_equal(
      window.semantic[: window.length],
      np.repeat(whole['semantic'][start : start + length, 0], 2),
  )
  assert not window.acoustic[window.length :].any()
  assert not window.semantic[window.length :].any()


def test_random_windows_lie_inside_and_have_every_length():
  random = np.random.default_rng(0)
  drawn = [frames.random_spans(50, 3, 6, random) for _ in range(200)]
  assert {len(spans) for spans in drawn} == {8}
  spans = [span for some in drawn for span in some]
  assert {length for _, length in spans} == {3, 4, 5, 6}
  assert min(start for start, _ in spans) == 0
  assert max(start + length for start, length in spans) == 50


def test_what_is_short_is_taken_whole():
  random = np.random.default_rng(0)
  assert frames.random_spans(2, 3, 6, random) == [(0, 2)]


def test_faster_semantic_ids_of_a_frame_are_the_digits_of_one_number():
  """50 Hz and 25 Hz, six ids: two digits in base 6, the earlier one first."""
  sizes = random_store.SIZES._replace(semantic_rate=50.0, acoustic_rate=25.0)
  stage = soundstorm(sizes)
  found = frames.at_acoustic_rate(stage, np.array([[3, 1, 4, 0, 5]]))
  assert found.tolist() == [[3 * 6 + 1, 4 * 6 + 0]]
  assert frames.semantic_per_frame(stage) == 2
  assert frames.semantic_per_frame(STAGE) == 1


def test_ids_that_overlap_a_frame_are_heard_in_it():
  """75 Hz and 50 Hz: the middle one of three ids belongs to both frames."""
  sizes = random_store.SIZES._replace(semantic_rate=75.0, acoustic_rate=50.0)
  found = frames.at_acoustic_rate(soundstorm(sizes), np.array([3, 1, 4]))
  assert found.tolist() == [3 * 6 + 1, 1 * 6 + 4]


def test_more_ids_in_a_frame_than_a_number_holds_are_refused():
  sizes = random_store.SIZES._replace(
      semantic_codebook_size=1024, semantic_rate=100.0, acoustic_rate=25.0
  )
  with pytest.raises(UserError, match='4 semantic ids of 1024'):
    frames.semantic_per_frame(soundstorm(sizes))
