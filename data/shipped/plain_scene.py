"""Shared state of a plain story's sentences: hero, place, what was said."""

import random
from typing import NamedTuple

from data.shipped import plain_people, plain_words
from data.shipped.plain_words import Verb

_ADJECTIVES = 0.55  # Of the things that are mentioned.
_EXTRAS = 0.6  # Of the deeds: how, where or with whom.
# Things that people have of their own.
_OWN = ('clothes', 'tool', 'toy', 'book', 'jewel', 'vehicle', 'bike', 'dish')


# With whom one may do something afterwards.
_MET = ('meet', 'visit', 'help', 'talk to')
_DAY_PARTS = ('morning', 'afternoon', 'evening', 'night')
# Words before nouns that are counted like this.
_FORMS = {
    'one': ('a', 'a', 'the', 'several'),
    'single': ('a', 'the'),
    'mass': ('some', 'some', 'the'),
    'bare': ('',),
}
# Where "it" would stand between the words.
_SPLIT = ('put on', 'take off')


class Mention(NamedTuple):
  """A thing in a sentence, and what the next one needs to know of it."""

  text: str
  kind: str
  plural: bool
  adjectives: tuple[str, ...]


class Said(NamedTuple):
  """Things and facts that the sentences so far have told."""

  thing: Mention | None = None
  company: str = ''
  verbs: tuple[str, ...] = ()
  facts: frozenset[str] = frozenset()


class Scene:
  """One hero at one place, now or then, and the parts of sentences on them.

  A sentence changes `said`; who does not want it sets it back.
  """

  def __init__(self, draws: random.Random):
    self.draws = draws
    self.said = Said()
    self.thing: Mention | None = None  # Of the sentence before.
    self.words = plain_words.words()
    self.hero = plain_people.hero(draws)
    self.place = draws.choice(self.words.places)
    self.past = draws.random() < 0.75

  def note(self, *facts: str) -> None:
    """So that nothing is said twice, or denied."""
    self.said = self.said._replace(facts=self.said.facts.union(facts))

  def meet(self, person: str) -> None:
    article, *rest = person.split(' ')
    known = f'the {rest[-1]}' if article in ('a', 'an') else person
    self.said = self.said._replace(company=known)

  def subject(self) -> str:
    again = self.draws.random() < 0.15
    return self.hero.again if again else self.hero.subject

  def when(self) -> str:
    when = self.time('past' if self.past else 'present')
    if any(part in when for part in _DAY_PARTS):
      self.note('time')
    return when

  def time(self, which: str) -> str:
    return self.draws.choice(self.words.times[which])

  def be(self, plural: bool | None = None) -> str:
    plural = self.hero.plural if plural is None else plural
    if self.past:
      return 'were' if plural else 'was'
    return 'are' if plural else 'is'

  def verb(self, words: str) -> str:
    if self.past:
      return plain_words.past(words)
    return words if self.hero.plural else plain_words.third_person(words)

  def any_verb(
      self, reasons: bool = False, wanted: bool = False, kind: str = ''
  ) -> Verb | None:
    """One that was not used; None if no such verb takes the kind."""
    unwanted = self.words.days['unwanted'] if wanted else ()
    verbs = [
        verb
        for verb in self.place.verbs
        if verb.words not in self.said.verbs + unwanted
        and (verb.reasons or not reasons)
        and (not kind or (kind in verb.kinds and verb.words not in _SPLIT))
    ]
    if not verbs:
      return None if kind else self.draws.choice(self.place.verbs)
    verb = self.draws.choice(verbs)
    self.said = self.said._replace(verbs=(*self.said.verbs, verb.words))
    return verb

  def deed(self, verb: Verb) -> str:
    deed = self.verb(verb.words) + self.object(verb)
    if verb.manners and self.draws.random() < 0.2:
      deed += f' {self.draws.choice(verb.manners)}'
    return deed

  def object(self, verb: Verb) -> str:
    if not verb.kinds:
      return ''
    kind = self.draws.choice(verb.kinds)
    if kind != 'person':
      thing = self.mention(kind)
      self.said = self.said._replace(thing=thing)
      return f' {thing.text}'
    person = self.said.company or plain_people.other(self.hero, self.draws)
    if verb.words in _MET:
      self.meet(person)
    return f' {person}'

  def extra(self, deed: str = '') -> str:
    """With whom, when or where, in what is done already."""
    if self.draws.random() > _EXTRAS:
      return ''
    alone = not self.said.company or self.said.company in deed
    if not alone and self.draws.random() < 0.5:
      return f' with {self.said.company}'
    if 'time' not in self.said.facts and self.draws.random() < 0.4:
      self.note('time')
      return f' {self.time("within")}'
    return f' {self.draws.choice(self.place.spots)}'

  def mention(self, name: str) -> Mention:
    """One of a kind, or some, or theirs."""
    kind = self.words.kinds[name]
    noun, adjectives = self.draws.choice(kind.nouns), ()
    if kind.adjectives and self.draws.random() < _ADJECTIVES:
      adjectives = (self.draws.choice(kind.adjectives),)
    phrase = ' '.join((*adjectives, noun))
    form = self.draws.choice(
        _FORMS[kind.count] + ('own', 'own') * (name in _OWN)
    )
    match form:
      case 'a':
        text = plain_words.with_article(phrase)
      case 'several':
        several = self.draws.choice(('some', 'two', 'three'))
        text = f'{several} {plain_words.plural(phrase)}'
      case 'own':
        text = f'{self.hero.possessive} {phrase}'
      case _:
        text = f'{form} {phrase}'.strip()
    return Mention(text, name, form == 'several', adjectives)
