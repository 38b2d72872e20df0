"""Tests `audiolm_jax/evaluation/metrics/spoken_text.py`."""

import pytest

from audiolm_jax.evaluation.metrics import spoken_text


@pytest.mark.parametrize(
    'text, spoken',
    [
        ('Mr. Hill -- "well-read"; isn’t he', "mister hill well read isn't he"),
        (
            '100, then 2,045 & on',
            'one hundred then two thousand forty five and on',
        ),
        ('21st, 30th and 2nd', 'twenty first thirtieth and second'),
        ('0 007 12', 'zero zero zero seven twelve'),
        ('  ', ''),
    ],
)
def test_english_is_written_as_it_sounds(text, spoken):
  assert spoken_text.normalise(text) == spoken


def test_other_languages_keep_their_digits_and_letters():
  assert spoken_text.normalise('Ещё 20 — «Ёлка».', 'ru') == 'еще 20 елка'
  assert spoken_text.normalise("C'è l'età, MR", 'it') == "c'è l'età mr"


def test_numbers_read_as_words_add_up():
  """The judge: reading the words back gives the number."""
  values = {word: i for i, word in enumerate(spoken_text._ONES)}
  values |= {w: 20 + 10 * i for i, w in enumerate(spoken_text._TENS)}
  for number in (*range(130), 999, 1000, 1001, 12345, 700_000, 10**9 + 5):
    total, part = 0, 0
    for word in spoken_text.number(str(number)).split():
      if word == 'hundred':
        part *= 100
      elif word in ('thousand', 'million', 'billion'):
        total += part * dict((n, s) for s, n in spoken_text._SCALES)[word]
        part = 0
      else:
        part += values[word]
    assert total + part == number
