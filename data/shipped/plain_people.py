"""People that a plain story is about, and their names in later sentences."""

import random
from typing import NamedTuple

from data.shipped import plain_words


class Hero(NamedTuple):
  """The hero of a story: one or several people.

  Attributes:
    first: Name when they appear.
    again: Name later on.
    subject: Their pronoun.
    possessive: Possessive of that pronoun, as in her book.
    plural: Whether they are more than one.
    indefinite: 'a young girl', or '' for those who are known.
    adjectives: Adjectives that `first` contains.
  """

  first: str
  again: str
  subject: str
  possessive: str
  plural: bool = False
  indefinite: str = ''
  adjectives: tuple[str, ...] = ()


_PRONOUNS = {'she': 'her', 'he': 'his', 'they': 'their'}


def hero(draws: random.Random) -> Hero:
  """A name, a girl, a doctor, my brother, the children."""
  people = plain_words.words().people
  sex = draws.choice(('she', 'he'))
  kind = draws.choice(('name', 'name', 'noun', 'worker', 'kin', 'they'))
  match kind:
    case 'name':
      name = draws.choice(people[sex])
      return Hero(name, name, sex, _PRONOUNS[sex])
    case 'kin':
      noun = draws.choice(people[f'kin {sex}'] + people['kin any'])
      return Hero(f'my {noun}', f'my {noun}', sex, _PRONOUNS[sex])
    case 'they':
      several = _several(draws)
      return Hero(several, several, 'they', 'their', plural=True)
  group = {'she': 'woman', 'he': 'man'}[sex] if kind == 'noun' else 'worker'
  noun = draws.choice(people[group])
  adjective = draws.choice(people['like'])
  return Hero(
      f'the {adjective} {noun}',
      f'the {noun}',
      sex,
      _PRONOUNS[sex],
      indefinite=plain_words.with_article(f'{adjective} {noun}'),
      adjectives=(adjective,),
  )


def other(who: Hero, draws: random.Random) -> str:
  """Somebody else: a relative, a stranger, a name that is not theirs."""
  people = plain_words.words().people
  kind = draws.choice(('kin', 'kin', 'name', 'worker', 'stranger'))
  match kind:
    case 'name':
      names = people['she'] + people['he']
      return draws.choice([name for name in names if name not in who.first])
    case 'kin':
      kin = people['kin she'] + people['kin he'] + people['kin any']
      # "My sister met her sister" is hard to follow.
      left = [noun for noun in kin if noun.split(' ')[-1] not in who.first]
      return f'{who.possessive} {draws.choice(left)}'
    case 'worker':
      left = [noun for noun in people['worker'] if noun not in who.first]
      return f'the {draws.choice(left)}'
  nouns = people['woman'] + people['man']
  noun = draws.choice([noun for noun in nouns if noun not in who.first])
  return plain_words.with_article(f'{draws.choice(people["like"])} {noun}')


def _several(draws: random.Random) -> str:
  people = plain_words.words().people
  if draws.random() < 0.4:
    return draws.choice(people['they'])
  one, two = draws.sample(people['she'] + people['he'], 2)
  return f'{one} and {two}'
