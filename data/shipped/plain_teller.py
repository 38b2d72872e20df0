"""Sentences of a plain story, each of which knows what was said before."""

from collections.abc import Callable

from data.shipped import plain_people, plain_words
from data.shipped.plain_scene import Scene

_GIVEN = ('gift', 'book', 'flower', 'fruit', 'toy', 'drink', 'treat', 'sweets')
_HOMES = ('home', 'the kitchen', 'the bedroom', 'the living room', 'the house')


class Teller(Scene):
  """Tells one story: of one hero, at one place, now or then."""

  def tell(self, kinds: Callable[[], list[Callable[[], str]]]) -> str:
    """A sentence of these kinds; what it mentions is for the next one."""
    kind = self.draws.choice(kinds())
    self.thing, self.said = self.said.thing, self.said._replace(thing=None)
    sentence = kind()
    return f'{sentence[0].upper()}{sentence[1:]}.'

  def openings(self) -> list[Callable[[], str]]:
    """Sentences that a story begins with."""
    known = [self._came, self._came, self._was_there, self._day_and_place]
    return [*known, self._there_was] if self.hero.indefinite else known

  def middles(self) -> list[Callable[[], str]]:
    """Sentences that may follow what was said so far."""
    kinds = [self._did] * 4 + [self._then, self._wanted, self._did_not]
    kinds += [self._gave, self._both]
    if 'mood' not in self.said.facts:
      kinds += [self._felt, self._did_because, self._did_because]
    if 'weather' not in self.said.facts:
      kinds += [self._weather]
    if self.said.thing:
      kinds += [self._thing_was] * 3 + [self._did_with_it] * 3
    if 'place' not in self.said.facts and self.place.adjectives:
      kinds += [self._place_was]
    if not self.said.company and not self.hero.plural:
      kinds += [self._somebody_came]
    return kinds

  def endings(self) -> list[Callable[[], str]]:
    """Sentences that a story ends with."""
    kinds = [self._went_home, self._finally]
    if 'mood' not in self.said.facts:
      kinds += [self._felt, self._felt_both]
    return kinds if 'day' in self.said.facts else [*kinds, self._day]

  # ----------------------------------------------------------------- openings

  def _came(self) -> str:
    verb = self.verb(self.draws.choice(('go', 'go', 'come', 'walk', 'run')))
    return f'{self.when()}, {self.hero.first} {verb} {self.place.way}'

  def _was_there(self) -> str:
    when = self.draws.choice(('within', 'lasting'))
    self.note('time')
    be, where = self.be(), self.place.where
    return f'{self.hero.first} {be} {where} {self.time(when)}'

  def _there_was(self) -> str:
    when, be = self.when(), self.be(False)
    return f'{when}, there {be} {self.hero.indefinite} {self.place.where}'

  def _day_and_place(self) -> str:
    day, be = self._day(), self.be()
    return f'{day}, and {self.hero.first} {be} {self.place.where}'

  # ------------------------------------------------------------------ middles

  def _did(self) -> str:
    deed = self.deed(self.any_verb())
    return f'{self.subject()} {deed}{self.extra(deed)}'

  def _did_because(self) -> str:
    self.note('mood')
    verb = self.any_verb(reasons=True)
    deed, reason = self.deed(verb), self.draws.choice(verb.reasons)
    because = f'because {self.hero.subject} {self.be()} {reason}'
    return f'{self.subject()} {deed} {because}'

  def _then(self, when: str = 'next') -> str:
    deed = self.deed(self.any_verb())
    return f'{self.time(when)}, {self.hero.subject} {deed}'

  def _both(self) -> str:
    first = self.deed(self.any_verb())
    return f'{self.subject()} {first} and {self.deed(self.any_verb())}'

  def _wanted(self) -> str:
    want = self.draws.choice(('want', 'try', 'like', 'need', 'love', 'hope'))
    verb = self.any_verb(wanted=True)
    what = f'{verb.words}{self.object(verb)}'
    return f'{self.subject()} {self.verb(want)} to {what}'

  def _did_not(self) -> str:
    verb = self.any_verb()
    do = 'did' if self.past else 'do' if self.hero.plural else 'does'
    sentence = f'{self.subject()} {do} not {verb.words}{self.object(verb)}'
    # What somebody did not buy has no colour.
    self.said = self.said._replace(thing=None)
    return sentence

  def _gave(self) -> str:
    thing = self.mention(self.draws.choice(_GIVEN))
    verb = self.verb(self.draws.choice(('give', 'bring')))
    to = self.said.company or plain_people.other(self.hero, self.draws)
    self.said = self.said._replace(thing=thing)
    return f'{self.subject()} {verb} {thing.text} to {to}'

  def _felt(self) -> str:
    self.note('mood')
    be, feel = self.be(), self.verb('feel')
    how = self.draws.choice(self.words.people['feels'])
    return (
        f'{self.subject()} {self.draws.choice((be, f"{be} very", feel))} {how}'
    )

  def _thing_was(self) -> str:
    thing = self.thing
    adjectives = self.words.kinds[thing.kind].adjectives
    how = plain_words.described(adjectives, thing.adjectives, self.draws)
    if not how:
      return self._did()
    it = 'they' if thing.plural else 'it'
    return f'{it} {self.be(thing.plural)} {how}'

  def _did_with_it(self) -> str:
    thing = self.thing
    verb = self.any_verb(kind=thing.kind)
    if verb is None:
      return self._did()
    it = 'them' if thing.plural else 'it'
    return f'{self.subject()} {self.verb(verb.words)} {it}{self.extra()}'

  def _place_was(self) -> str:
    self.note('place')
    how = plain_words.described(self.place.adjectives, (), self.draws)
    return f'{self.place.name} {self.be(False)} {how}'

  def _somebody_came(self) -> str:
    other = plain_people.other(self.hero, self.draws)
    self.meet(other)
    return f'{other} {self.be(False)} {self.place.where} too'

  def _weather(self) -> str:
    self.note('weather')
    fact = self.draws.choice(self.words.days['weather'])
    if self.past:
      return fact
    return fact.replace(' was ', ' is ').replace(' were ', ' are ')

  # ------------------------------------------------------------------ endings

  def _finally(self) -> str:
    return self._then('last')

  def _felt_both(self) -> str:
    how = self.draws.choice(self.words.people['feel both'])
    return f'{self.subject()} {self.be()} {how}'

  def _went_home(self) -> str:
    verb = self.verb(self.draws.choice(('go', 'go', 'walk', 'come', 'run')))
    where = 'home'
    if self.place.name in _HOMES:
      verb, where = self.verb('go'), 'to bed'
    tail = self.draws.choice(('', ' slowly', ' quickly', ' quietly'))
    if self.said.company and where == 'home':
      tail = f' with {self.said.company}'
    return f'{self.time("last")}, {self.hero.subject} {verb} {where}{tail}'

  def _day(self) -> str:
    word = self.draws.choice(self.words.days['word'])
    # It was evening before.
    word = 'day' if 'time' in self.said.facts else word
    self.note('day', 'time')
    how = self.draws.choice(self.words.days['like'])
    return f'it {self.be(False)} {plain_words.with_article(f"{how} {word}")}'
