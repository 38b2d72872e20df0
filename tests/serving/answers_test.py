"""Tests audiolm_jax/serving/answers.py."""

import pytest

from audiolm_jax.serving import answers
from audiolm_jax.serving.answers import Answer, Answers

ANSWER = Answer('Eve, "E"', 0, 7, 'a.flac', 'f00', 'original', 'generated')


@pytest.mark.parametrize(
    ('right', 'total', 'p_value'),
    # Sums of binomial coefficients over powers of two, by hand.
    [(5, 10, 1.0), (9, 10, 22 / 1024), (1, 10, 22 / 1024), (0, 5, 2 / 32)],
)
def test_the_test_is_exact_and_two_sided(right, total, p_value):
  assert answers.score(right, total).p_value == pytest.approx(p_value)


def test_no_answers_say_nothing():
  assert answers.score(0, 0).p_value == 1
  assert str(answers.score(0, 0)) == 'no answers yet'


def test_the_score_counts_right_answers():
  right = ANSWER._replace(answer='original')
  score = answers.score_of([ANSWER, right, right])
  assert score[:2] == (2, 3)
  assert '2 of 3 right (66.7 %' in str(score)


def test_what_is_written_is_read_by_who_comes_later(tmp_path):
  assert Answers(tmp_path).read() == []
  other = ANSWER._replace(trial=1, listener='Ünal\nB')
  Answers(tmp_path).add(ANSWER)
  Answers(tmp_path).add(other)
  assert Answers(tmp_path).read() == [ANSWER, other]
  text = (tmp_path / 'answers.csv').read_text(encoding='utf-8')
  assert text.startswith('listener,trial,seed,recording,model,truth,answer')
  assert text.count('listener') == 1
