"""Tests audiolm_jax/draft.py."""

import numpy as np
import pytest

from audiolm_jax.draft import Draft
from audiolm_jax.tokens.fields import ACOUSTIC, SEMANTIC, Field

FINE = Field(ACOUSTIC, range(2, 4), 100, 50.0)


@pytest.fixture
def draft():
  semantic = np.arange(6).reshape(2, 3)
  acoustic = np.arange(2 * 6 * 4).reshape(2, 6, 4)
  return Draft(semantic, acoustic, {SEMANTIC: 1, ACOUSTIC: 2})


def test_rows_are_aligned_in_time(draft):
  rows = draft.rows(1, 3)
  np.testing.assert_array_equal(rows[1][SEMANTIC], [[4], [5]])
  np.testing.assert_array_equal(rows[1][ACOUSTIC], draft.acoustic[1, 2:])


def test_prolonging_keeps_what_there_is_and_the_original(draft):
  longer = draft.prolonged(2)
  assert (draft.num_units, longer.num_units) == (3, 5)
  np.testing.assert_array_equal(longer.semantic[:, :3], draft.semantic)
  np.testing.assert_array_equal(longer.acoustic[:, :6], draft.acoustic)
  assert not longer.acoustic[:, 6:].any()


@pytest.mark.parametrize('num_frames', [2, 4, 9])
def test_writing_touches_its_own_frames_and_levels_alone(draft, num_frames):
  before = draft.acoustic.copy()
  draft.write(FINE, 1, np.full((2, num_frames, 2), -1))
  changed = draft.acoustic != before
  end = min(2 + num_frames, 6)
  assert changed[:, 2:end, 2:].all()
  assert changed.sum() == changed[:, 2:end, 2:].sum()
