"""The words of plain English: what goes with what, and how they inflect."""

import collections
import functools
import pathlib
import random
from collections.abc import Iterable
from typing import NamedTuple

_FILE = pathlib.Path(__file__).with_name('plain_english.txt')


class Kind(NamedTuple):
  """Nouns that the same verbs and adjectives go with.

  Attributes:
    count: 'one' if they are counted, 'single' if nobody has two of them, 'mass'
      for some of it, 'bare' for the name of a science and the like.
    adjectives: Adjectives that suit the nouns.
    nouns: Their singulars.
  """

  count: str
  adjectives: tuple[str, ...]
  nouns: tuple[str, ...]


class Verb(NamedTuple):
  """A verb, the kinds of things it is done to, its reasons and its manners."""

  words: str
  kinds: tuple[str, ...]
  reasons: tuple[str, ...]
  manners: tuple[str, ...]


class Place(NamedTuple):
  """A place, its spots, its adjectives and the verbs that are done there."""

  where: str
  spots: tuple[str, ...]
  adjectives: tuple[str, ...]
  verbs: tuple[Verb, ...]

  @property
  def name(self) -> str:
    """Without the preposition."""
    return self.where.split(' ', 1)[1]

  @property
  def way(self) -> str:
    """The way there, as in 'home' or 'to the kitchen'."""
    return self.name if self.name == 'home' else f'to {self.name}'


class Words(NamedTuple):
  """Contents of the file, whose comments say how a line is read."""

  people: dict[str, tuple[str, ...]]
  times: dict[str, tuple[str, ...]]
  days: dict[str, tuple[str, ...]]
  kinds: dict[str, Kind]
  places: tuple[Place, ...]
  irregular: dict[str, str]
  plurals: dict[str, str]
  apart: tuple[frozenset[str], ...]


@functools.cache
def words() -> Words:
  """The words of the file beside this module."""
  lists, tables = _lines()
  verbs = {
      name.replace(' ', '_'): Verb(name.split('=')[0], *map(_split, fields))
      for name, fields in tables['verb']
  }
  spots = dict(lists['spot'])
  return Words(
      people=dict(lists['people']),
      times=dict(lists['time']),
      days=dict(lists['day']),
      kinds={
          name: Kind(count, _split(adjectives), _split(nouns))
          for name, (count, adjectives, nouns) in tables['thing']
      },
      places=tuple(
          Place(
              where,
              spots[kind],
              _split(adjectives),
              tuple(verbs[verb] for verb in done.split()),
          )
          for where, (kind, adjectives, done) in tables['place']
      ),
      irregular=dict(pair.split('=') for pair in dict(lists['past'])['']),
      plurals=dict(pair.split('=') for pair in dict(lists['plural'])['']),
      apart=tuple(frozenset(names) for _, names in lists['apart']),
  )


def third_person(verb: str) -> str:
  """The form of a verb after 'she'; other words may follow the verb."""
  first, *rest = verb.split(' ')
  known = {'be': 'is', 'have': 'has'}
  return ' '.join([known.get(first) or _with_s(first), *rest])


def past(verb: str) -> str:
  """The past tense of a verb other than 'be'."""
  first, *rest = verb.split(' ')
  return ' '.join([words().irregular.get(first) or _with_ed(first), *rest])


def plural(noun: str) -> str:
  """The plural of a noun; its last word changes."""
  *rest, last = noun.split(' ')
  return ' '.join([*rest, words().plurals.get(last) or _with_s(last)])


def with_article(phrase: str) -> str:
  """The phrase behind a or an, by how it sounds: a useful hour, an hour."""
  vowel = phrase[0] in 'aeiou' and not phrase.startswith(('eu', 'uni', 'use'))
  silent = phrase.startswith(('hour', 'honest', 'honor', 'heir'))
  return f'{"an" if vowel or silent else "a"} {phrase}'


def fitting(
    adjectives: Iterable[str], taken: Iterable[str], draws: random.Random
) -> str:
  """One that neither says again nor denies what is said already, or ''."""
  taken = set(taken)
  denied = taken.union(*(some for some in words().apart if some & taken))
  left = [adjective for adjective in adjectives if adjective not in denied]
  return draws.choice(left) if left else ''


def described(
    adjectives: Iterable[str], taken: Iterable[str], draws: random.Random
) -> str:
  """A fitting description, in one word or two; '' if all was said."""
  how = fitting(adjectives, taken, draws)
  also = fitting(adjectives, (*taken, how), draws) if how else ''
  if also and draws.random() < 0.3:
    return f'{how} and {also}'
  return f'{draws.choice(("", "very ", "so "))}{how}' if how else ''


def _with_s(word: str) -> str:
  if word.endswith(('s', 'x', 'z', 'ch', 'sh', 'go', 'do', 'ato', 'cho', 'ss')):
    return word + 'es'
  if word.endswith('y') and word[-2] not in 'aeiou':
    return word[:-1] + 'ies'
  return word + 's'


def _with_ed(word: str) -> str:
  if word.endswith('e'):
    return word + 'd'
  if word.endswith('y') and word[-2] not in 'aeiou':
    return word[:-1] + 'ied'
  return word + 'ed'


def _split(names: str) -> tuple[str, ...]:
  return tuple(n.replace('_', ' ') for n in names.split() if n != '-')


def _lines():
  """Lines with a colon are lists of words, those with bars are tables."""
  lists, tables = collections.defaultdict(list), collections.defaultdict(list)
  for line in _FILE.read_text(encoding='utf-8').splitlines():
    if line and not line.startswith('#'):
      if '|' in line:
        head, *fields = (field.strip() for field in line.split('|'))
        section, name = head.split(' ', 1)
        tables[section].append((name, fields))
      else:
        head, names = line.split(':')
        section, _, name = head.partition(' ')
        lists[section].append((name, _split(names)))
  return lists, tables
