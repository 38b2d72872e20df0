"""Answers of listeners: kept in a CSV, judged by an exact test."""

import csv
import pathlib
import threading
from collections.abc import Iterable
from typing import NamedTuple

from scipy import stats

FILE = 'answers.csv'


class Answer(NamedTuple):
  """One listener's answer to one trial.

  Attributes:
    listener: A name, as the listener gave it.
    trial: Number of the trial, from 0.
    seed: Seed of the order and of the continuations.
    recording: File that the prompt comes from.
    model: Fingerprint of the bundle.
    truth: `original` or `generated`.
    answer: Answer of the listener, `original` or `generated`.
  """

  listener: str
  trial: int
  seed: int
  recording: str
  model: str
  truth: str
  answer: str


class Score(NamedTuple):
  """Number of right answers, and whether that may be chance.

  Attributes:
    right: Number of right answers.
    total: Number of answers.
    p_value: Two-sided exact binomial test against guessing (AudioLM s. IV-G).
  """

  right: int
  total: int
  p_value: float

  def __str__(self) -> str:
    """The figures in a line."""
    if not self.total:
      return 'no answers yet'
    return (
        f'{self.right} of {self.total} right'
        f' ({100 * self.right / self.total:.1f} %; guessing: 50 %;'
        f' p = {self.p_value:.3g})'
    )


def score(right: int, total: int) -> Score:
  """Tests so many right answers against those of who guesses."""
  p_value = stats.binomtest(right, total, 0.5).pvalue if total else 1.0
  return Score(right, total, float(p_value))


def score_of(answers: Iterable[Answer]) -> Score:
  """The score of some answers."""
  hits = [answer.truth == answer.answer for answer in answers]
  return score(sum(hits), len(hits))


class Answers:
  """All answers of a folder; several listeners may write at the same time."""

  def __init__(self, folder: pathlib.Path):
    """Goes on with what is there."""
    self._path = folder / FILE
    self._lock = threading.Lock()

  def add(self, answer: Answer) -> None:
    """Appends a line."""
    with self._lock:
      is_new = not self._path.exists()
      with self._path.open('a', newline='', encoding='utf-8') as file:
        writer = csv.writer(file)
        if is_new:
          writer.writerow(Answer._fields)
        writer.writerow(answer)

  def read(self) -> list[Answer]:
    """All that have been given, in their order."""
    if not self._path.exists():
      return []
    with self._lock, self._path.open(newline='', encoding='utf-8') as file:
      rows = list(csv.DictReader(file))
    return [
        Answer(**row | {'trial': int(row['trial']), 'seed': int(row['seed'])})
        for row in rows
    ]
