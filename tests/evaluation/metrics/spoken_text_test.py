"""Tests `audiolm_jax/evaluation/metrics/spoken_text.py`."""

import functools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolm_jax.evaluation.metrics import spoken_text

WORDS = st.lists(st.sampled_from('abc'), max_size=6)


@pytest.mark.parametrize(
    'one, other',
    [
        ('Mr. Hill -- "well-read"', 'mister hill, well read'),
        ('one hundred, then 2,045', '100 then two thousand and forty-five'),
        ('the 21st', 'the twenty-first'),
        ("isn’t; I'm", "isn't I am"),
        ('the colour', 'THE COLOR.'),
        ('  ', ''),
    ],
)
def test_english_is_compared_as_it_sounds(one, other):
  assert spoken_text.normalise(one) == spoken_text.normalise(other)


def test_other_words_stay_other_words():
  assert spoken_text.normalise('their') != spoken_text.normalise('there')
  assert spoken_text.normalise('13') != spoken_text.normalise('thirty')


def test_other_languages_keep_their_digits_and_letters():
  assert spoken_text.normalise('Еще 20 — «ёлка».', 'ru') == 'еще 20 елка'
  assert spoken_text.normalise("C'è l'età, MR", 'it') == 'c è l età mr'


@pytest.mark.parametrize(
    'first, second, distance',
    [
        ('kitten', 'sitting', 3),
        ('', 'abc', 3),
        (['a', 'cat'], ['a', 'hat', 'is'], 2),
        ((1, 2, 3, 4), (2, 3, 4, 1), 2),
    ],
)
def test_the_edit_distance_is_the_textbooks(first, second, distance):
  assert spoken_text.edit_distance(first, second) == distance


@given(WORDS, WORDS)
def test_the_edit_distance_is_that_of_its_definition(first, second):
  @functools.cache
  def cost(i, j):
    if not i or not j:
      return i + j
    change = cost(i - 1, j - 1) + (first[i - 1] != second[j - 1])
    return min(cost(i - 1, j) + 1, cost(i, j - 1) + 1, change)

  found = spoken_text.edit_distance(first, second)
  assert found == cost(len(first), len(second))
