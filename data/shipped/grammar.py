"""Sentences beside ungrammatical ones that differ from them in one word.

In the manner of BLiMP, from templates. Each form of a word is right in as many
pairs as it is wrong, so that how often it is heard does not tell.
"""

import itertools
import random
from collections.abc import Iterator
from typing import NamedTuple

_PEOPLE = {
    'girl': 'herself',
    'boy': 'himself',
    'sister': 'herself',
    'brother': 'himself',
    'mother': 'herself',
    'father': 'himself',
    'lady': 'herself',
    'king': 'himself',
}
_PLURALS = {'lady': 'ladies'}
_THINGS = ('letter', 'house', 'horse', 'garden', 'picture', 'window')
_OPENINGS = ('We saw', 'They found', 'He knew', 'She likes')
_DEEDS = (
    ('walks', 'walk', 'to the village'),
    ('lives', 'live', 'in the country'),
    ('writes', 'write', 'long letters'),
    ('plays', 'play', 'in the garden'),
    ('comes', 'come', 'in the morning'),
)
_LOOKS = ('saw', 'dressed', 'blamed', 'admired', 'praised')
# Past, participle, object: only the participle follows 'has'.
_IRREGULAR = (
    ('wrote', 'written', 'the letter'),
    ('broke', 'broken', 'the window'),
    ('took', 'taken', 'the horse'),
    ('saw', 'seen', 'the garden'),
    ('gave', 'given', 'the answer'),
    ('knew', 'known', 'the house'),
)


class SentencePair(NamedTuple):
  """A sentence and what is no sentence.

  Attributes:
    type: The rule that one breaks, as BLiMP names it.
    subtype: The template.
    good: The sentence.
    bad: Not one.
  """

  type: str
  subtype: str
  good: str
  bad: str


def pairs(seed: int) -> list[SentencePair]:
  """All pairs; the templates take turns for as long as each has some."""
  chance = random.Random(seed)
  found = [list(template()) for template in _TEMPLATES]
  for some in found:
    chance.shuffle(some)
  rounds = itertools.zip_longest(*found)
  return [pair for some in rounds for pair in some if pair is not None]


def _subject_verb() -> Iterator[SentencePair]:
  for person, (one, many, rest) in itertools.product(_PEOPLE, _DEEDS):
    for noun, good, bad in ((person, one, many), (_plural(person), many, one)):
      yield SentencePair(
          'subject_verb_agreement',
          'number_of_the_verb',
          f'The {noun} {good} {rest}.',
          f'The {noun} {bad} {rest}.',
      )


def _determiner_noun() -> Iterator[SentencePair]:
  for opening, thing in itertools.product(_OPENINGS, _THINGS):
    forms = (thing, _plural(thing))
    for determiners, right in ((('this', 'that'), 0), (('these', 'those'), 1)):
      for determiner in determiners:
        yield SentencePair(
            'determiner_noun_agreement',
            'number_of_the_noun',
            f'{opening} {determiner} {forms[right]}.',
            f'{opening} {determiner} {forms[1 - right]}.',
        )


def _reflexive_gender() -> Iterator[SentencePair]:
  others = {'herself': 'himself', 'himself': 'herself'}
  for (person, good), verb in itertools.product(_PEOPLE.items(), _LOOKS):
    yield SentencePair(
        'anaphor_agreement',
        'gender_of_the_reflexive',
        f'The {person} {verb} {good}.',
        f'The {person} {verb} {others[good]}.',
    )


def _reflexive_number() -> Iterator[SentencePair]:
  for (person, one), verb in itertools.product(_PEOPLE.items(), _LOOKS):
    forms = ((person, one, 'themselves'), (_plural(person), 'themselves', one))
    for noun, good, bad in forms:
      yield SentencePair(
          'anaphor_agreement',
          'number_of_the_reflexive',
          f'The {noun} {verb} {good}.',
          f'The {noun} {verb} {bad}.',
      )


def _irregular() -> Iterator[SentencePair]:
  for person, (past, participle, thing) in itertools.product(
      _PEOPLE, _IRREGULAR
  ):
    for has, good, bad in (('', past, participle), ('has ', participle, past)):
      yield SentencePair(
          'irregular_forms',
          'past_and_participle',
          f'The {person} {has}{good} {thing}.',
          f'The {person} {has}{bad} {thing}.',
      )


def _plural(noun: str) -> str:
  return _PLURALS.get(noun, noun + 's')


_TEMPLATES = (
    _subject_verb,
    _determiner_noun,
    _reflexive_gender,
    _reflexive_number,
    _irregular,
)
