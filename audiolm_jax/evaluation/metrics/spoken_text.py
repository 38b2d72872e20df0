"""Texts as they sound, and how far apart two are: what WER and CER compare."""

import functools
from collections.abc import Callable, Hashable, Sequence


def normalise(text: str, language: str = 'en') -> str:
  """Returns the text as the evaluations of speech recognisers compare it.

  It is Whisper's normaliser (arXiv 2212.04356, app. C): lower case without
  punctuation; in English, numbers are digits, contractions and titles are
  written out, and spelling is American. In other languages digits and words
  stay. Typographic apostrophes are plain ones, which Whisper's own would drop,
  and Russian's 'ё' is 'е', which most people write for it.
  """
  text = text.replace('’', "'").replace('ё', 'е')
  return _normaliser(language == 'en')(text).strip()


def edit_distance(first: Sequence[Hashable], second: Sequence[Hashable]) -> int:
  """Least number of insertions, deletions and substitutions (Levenshtein)."""
  # The extra [eval] brings it; the help of the verbs does without.
  from rapidfuzz.distance import Levenshtein

  return Levenshtein.distance(first, second)


@functools.cache
def _normaliser(is_english: bool) -> Callable[[str], str]:
  from whisper_normalizer import basic, english

  if is_english:
    return english.EnglishTextNormalizer()
  return basic.BasicTextNormalizer()
