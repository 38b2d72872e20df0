"""Little stories in plain English: few words, short sentences, much sense.

A language model of a day on a small machine can learn them, as it can not learn
Austen. Who does what where is drawn from the lists in plain_english.txt, so
that what is cooked is food and what is opened has a lid. A hash of a sentence
says which split it is of: no sentence stands in two.
"""

import random
from collections.abc import Callable, Iterator

from audiolm_jax.adapters.recording import split_of
from data.shipped.austen import Passage
from data.shipped.plain_teller import Teller

_HOLD_OUT_EVERY = 10
_CHARACTERS = (90, 240)  # Of a passage: about 6 to 14 seconds.
_SENTENCES = (3, 6)
_TRIES = 300


def passages(split: str) -> Iterator[Passage]:
  """Stories without end; the one of a number is the same in every run."""
  number = 0
  while True:
    yield passage(split, number)
    number += 1


def passage(split: str, number: int) -> Passage:
  """The story of that number: one to six sentences of its split alone."""
  draws = random.Random(f'{split} {number}')
  while True:
    sentences = _story(split, draws)
    text = ' '.join(sentences)
    if sentences and _CHARACTERS[0] <= len(text) <= _CHARACTERS[1]:
      return Passage(f'plain-{split}-{number:05d}', text)


def sentence_split(sentence: str) -> str:
  """The split of a sentence, wherever it stands."""
  return split_of(sentence, _HOLD_OUT_EVERY)


def _story(split: str, draws: random.Random) -> list[str]:
  """Opening, middle and end; or nothing if the split has no such sentence."""
  teller = Teller(draws)
  count = draws.randint(*_SENTENCES)
  told = []
  for number in range(count):
    kinds = teller.openings if number == 0 else teller.middles
    if number == count - 1:
      kinds = teller.endings
    sentence = _sentence(kinds, teller, split, told)
    if not sentence:
      return []
    told.append(sentence)
  return told


def _sentence(
    kinds: Callable, teller: Teller, split: str, told: list[str]
) -> str:
  """Draws until a sentence is of the split, and new."""
  for _ in range(_TRIES):
    before = teller.said
    sentence = teller.tell(kinds)
    if sentence_split(sentence) == split and sentence not in told:
      return sentence
    teller.said = before
  return ''
