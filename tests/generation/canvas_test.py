"""Tests audiolm_jax/generation/canvas.py."""

import numpy as np
import pytest

from audiolm_jax.generation.canvas import Canvas
from audiolm_jax.tokens import stages
from audiolm_jax.tokens.fields import ACOUSTIC, SEMANTIC
from audiolm_jax.tokens.tokenizers.contract import Tokens

SIZES = stages.Sizes(9, 25.0, 9, 50.0, 4)
COARSE = stages.coarse(SIZES, 2, deduplicate=False).target
SEMANTICS = stages.semantic(SIZES, deduplicate=False).target
REPEATLESS = stages.semantic(SIZES, deduplicate=True).target


def tokens(num_units, seed=0):
  random = np.random.default_rng(seed)
  return Tokens(
      random.integers(1, 9, num_units, np.int32),
      random.integers(1, 9, (2 * num_units, 4), np.int32),
  )


def canvas(*lengths):
  prompts = [tokens(length, seed) for seed, length in enumerate(lengths)]
  return Canvas(prompts, 4, {SEMANTIC: 1, ACOUSTIC: 2}), prompts


def assert_same(one, other):
  np.testing.assert_array_equal(one.semantic, other.semantic)
  np.testing.assert_array_equal(one.acoustic, other.acoustic)


def test_prompts_of_any_lengths_end_where_time_begins():
  written, prompts = canvas(3, 0, 5)
  written.prolong(2)
  assert written.num_units == 2
  for row, prompt in enumerate(prompts):
    assert_same(written.tokens(row, -9, 0), prompt)
    assert len(written.tokens(row, -9, 2).semantic) == len(prompt.semantic) + 2
    assert written.num_known(row, -4, 0) == min(len(prompt.semantic), 4)


def test_prolonging_keeps_what_there_is():
  written, prompts = canvas(3)
  written.prolong(2)
  written.write(0, COARSE, 0, np.ones((4, 2), np.int32))
  before = written.tokens(0, -3, 2)
  written.prolong(1)
  assert_same(written.tokens(0, -3, 2), before)
  assert not written.tokens(0, 2, 3).acoustic.any()


@pytest.mark.parametrize('num_new', [2, 4, 9])
def test_writing_touches_its_own_row_frames_and_levels_alone(num_new):
  written, prompts = canvas(3, 3)
  written.prolong(3)
  written.write(1, COARSE, 1, np.full((num_new, 2), 7, np.int32))
  assert not written.tokens(0, 0, 3).acoustic.any()
  new = written.tokens(1, 0, 3).acoustic
  expected = np.zeros((6, 4), np.int32)
  expected[2 : 2 + num_new, :2] = 7
  np.testing.assert_array_equal(new, expected)
  assert_same(written.tokens(1, -3, 0), prompts[1])


def test_what_is_said_ends_each_row_where_it_is_over():
  written, _ = canvas(2, 1)
  said = [tokens(4, 5), tokens(6, 6)]
  assert written.say(said) == 6
  for row, each in enumerate(said):
    found = written.tokens(row, 0, 6)
    np.testing.assert_array_equal(found.semantic, each.semantic)
    assert len(found.acoustic) == len(each.acoustic)
    assert written.last_unit(row, 6) == len(each.semantic)


def test_an_end_of_tokens_that_keep_time_ends_the_sound():
  written, _ = canvas(2, 2)
  written.prolong(5)
  written.end(0, SEMANTICS, 3)
  written.end(0, SEMANTICS, 4)  # The first end stays.
  assert len(written.tokens(0, 0, 5).acoustic) == 6
  assert len(written.tokens(1, 0, 5).acoustic) == 10
  assert not len(written.tokens(0, 4, 5).acoustic)


def test_an_end_of_tokens_without_repeats_does_not():
  written, _ = canvas(2)
  written.prolong(5)
  written.end(0, REPEATLESS, 3)
  found = written.tokens(0, 0, 5)
  assert len(found.semantic) == 3
  assert len(found.acoustic) == 10
