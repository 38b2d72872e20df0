"""From the characters of an IPA transcription to phones with their times."""

import unicodedata
from collections.abc import Sequence

from audiolm_jax.adapters.recording import Label

_STRESS = 'ˈˌ'
# Two letters, one phone.
_JOINED = {'tʃ', 'dʒ', 'aɪ', 'aʊ', 'eɪ', 'oʊ', 'əʊ', 'ɔɪ'}


def phones(
    characters: Sequence[str], seconds: Sequence[float], start: float = 0.0
) -> list[Label]:
  """Groups characters, each of which lasts some time, to phones.

  A stress mark takes time from the phone behind it, a length mark belongs to
  the phone before it, and spaces and punctuation are gaps.

  Args:
    characters: Characters of the transcription.
    seconds: Length of each character, in seconds.
    start: When the first begins.
  """
  found, stressed, joinable = [], None, False
  for character, duration in zip(characters, seconds, strict=True):
    end = start + duration
    category = unicodedata.category(character)
    if character in _STRESS:
      stressed, joinable = start, False
    elif category in ('Lm', 'Mn') and found:
      found[-1] = (found[-1][0], end, found[-1][2] + character)
    elif category.startswith('L'):
      begin = start if stressed is None else stressed
      if joinable and found[-1][2] + character in _JOINED:
        found[-1] = (found[-1][0], end, found[-1][2] + character)
      else:
        found.append((begin, end, character))
      stressed, joinable = None, True
    else:
      stressed, joinable = None, False
    start = end
  return found
