"""Words beside non-words that differ from them in one phone.

As in sWUGGY, a non-word could be a word: it is as long as its partner, a vowel
stands for a vowel and a consonant for a consonant, and each three phones in
turn occur in words. It sounds like no word of the vocabulary; that one of a
larger vocabulary sounds so is unlikely at five phones and more, not excluded.
"""

import collections
import random
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

# Lower ends of the bands of frequency that sWUGGY is reported in; 0 is 'oov'.
BANDS = (0, 1, 6, 21, 101)
_PHONES = (5, 10)
_VOWELS = frozenset('aeiouæɐɑɒɔəɚɛɜɝɪʊʌᵻ')
_STRESS = 'ˈˌ'
# Words in which three phones follow each other, for them to be allowed.
_ATTESTED = 3

Phones = tuple[str, ...]


class WordPair(NamedTuple):
  """A word and its non-word.

  Attributes:
    word: Spelling of the word.
    frequency: Number of times it occurs in the text that counts.
    phonemes: Pronunciation of the word.
    nonword: Pronunciation of the non-word.
  """

  word: str
  frequency: int
  phonemes: str
  nonword: str


def vocabulary(known: str, other: str) -> dict[str, int]:
  """Words of two texts with their frequencies in the first; no names."""
  words = re.compile('[A-Za-z]+')
  counts = collections.Counter(words.findall(known))
  found = counts + collections.Counter(words.findall(other))
  return {
      word: counts[word]
      for word in sorted(found)
      if word.islower() and found[word] > found[word.capitalize()]
  }


def phones(phonemes: str) -> Phones:
  """Phones with their length marks, stress left out."""
  found = []
  for character in phonemes:
    category = unicodedata.category(character)
    if character in _STRESS or not category.startswith(('L', 'Mn')):
      continue
    if category in ('Lm', 'Mn') and found:
      found[-1] += character
    else:
      found.append(character)
  return tuple(found)


def pairs(
    frequencies: Mapping[str, int], pronunciations: Mapping[str, str], seed: int
) -> Iterator[WordPair]:
  """Pairs whose words take turns in the bands of frequency, until one is used.

  The first pairs do not depend on how many are taken.
  """
  chance = random.Random(seed)
  said = {word: phones(pronunciations[word]) for word in frequencies}
  allowed = _attested(said.values())
  taken = set(said.values())
  bands = [iter(words) for words in _bands(frequencies, said, chance)]
  while True:
    for band in bands:
      for word in band:
        nonword = _change(pronunciations[word], taken, allowed, chance)
        if nonword is not None:
          taken.add(phones(nonword))
          break
      else:
        return
      yield WordPair(word, frequencies[word], pronunciations[word], nonword)


def _bands(
    frequencies: Mapping[str, int],
    said: Mapping[str, Phones],
    chance: random.Random,
) -> list[list[str]]:
  shortest, longest = _PHONES
  bands = [[] for _ in BANDS]
  for word, frequency in frequencies.items():
    if shortest <= len(said[word]) <= longest:
      bands[sum(frequency >= low for low in BANDS) - 1].append(word)
  for band in bands:
    chance.shuffle(band)
  return bands


def _change(
    phonemes: str,
    taken: Collection[Phones],
    allowed: Mapping[Phones, int],
    chance: random.Random,
) -> str | None:
  """Another phone in one place; None where no change is allowed."""
  places = [i for i, c in enumerate(phonemes) if _is_phone(c)]
  known = sorted({c for run in allowed for p in run for c in p if _is_phone(c)})
  changes = [
      phonemes[:i] + new + phonemes[i + 1 :]
      for i in places
      for new in known
      if new != phonemes[i] and (new in _VOWELS) == (phonemes[i] in _VOWELS)
  ]
  chance.shuffle(changes)
  for changed in changes:
    parts = phones(changed)
    runs = _runs(parts)
    if parts not in taken and all(allowed[run] >= _ATTESTED for run in runs):
      return changed
  return None


def _is_phone(character: str) -> bool:
  return unicodedata.category(character) in ('Ll', 'Lo')


def _attested(said: Iterable[Phones]) -> Mapping[Phones, int]:
  return collections.Counter(run for parts in said for run in set(_runs(parts)))


def _runs(parts: Sequence[str]) -> list[Phones]:
  """Three phones in turn; '#' is the border of a word."""
  padded = ('#', *parts, '#')
  return list(zip(padded, padded[1:], padded[2:], strict=False))
