"""Texts as they sound: what WER and CER compare."""

import re
import unicodedata

_ONES = (
    'zero one two three four five six seven eight nine ten eleven twelve'
    ' thirteen fourteen fifteen sixteen seventeen eighteen nineteen'
).split()
_TENS = 'twenty thirty forty fifty sixty seventy eighty ninety'.split()
_SCALES = ((10**9, 'billion'), (10**6, 'million'), (1000, 'thousand'))
_ORDINALS = {
    'one': 'first',
    'two': 'second',
    'three': 'third',
    'five': 'fifth',
    'eight': 'eighth',
    'nine': 'ninth',
    'twelve': 'twelfth',
}
_ENGLISH = {
    'mr': 'mister',
    'mrs': 'missus',
    'dr': 'doctor',
    'st': 'saint',
    'ok': 'okay',
    '&': 'and',
    '%': 'percent',
}
_LIMIT = 10**12  # Longer runs of digits are read one by one.


def normalise(text: str, language: str = 'en') -> str:
  """Lower case without punctuation, words parted by single spaces.

  Hyphens part words, apostrophes within words stay, Russian's 'ё' is 'е'. In
  English, digits become words and the abbreviations of titles are written out;
  in other languages both stay as they are. Spelling is not unified.
  """
  text = unicodedata.normalize('NFKC', text).lower()
  text = text.replace('’', "'").replace('ё', 'е')
  if language == 'en':
    text = re.sub(r'(?<=\d),(?=\d{3})', '', text)
    text = re.sub(r'[&%]', lambda found: f' {_ENGLISH[found[0]]} ', text)
    text = re.sub(r'(\d+)(st|nd|rd|th)\b', _ordinal, text)
    text = re.sub(r'\d+', lambda found: f' {number(found[0])} ', text)
  words = re.findall(r"\w+(?:'\w+)*", text.replace('_', ' '))
  if language == 'en':
    words = [_ENGLISH.get(word, word) for word in words]
  return ' '.join(words)


def number(digits: str) -> str:
  """Digits as an American says them: 'one hundred five'; no 'and'."""
  value = int(digits)
  if value >= _LIMIT or (len(digits) > 1 and digits[0] == '0'):
    return ' '.join(_ONES[int(digit)] for digit in digits)
  return ' '.join(_parts(value)) or 'zero'


def _parts(value: int) -> list[str]:
  words = []
  for scale, name in _SCALES:
    if value >= scale:
      words += [*_parts(value // scale), name]
      value %= scale
  if value >= 100:
    words += [_ONES[value // 100], 'hundred']
    value %= 100
  if value >= 20:
    words.append(_TENS[value // 10 - 2])
    value %= 10
  return [*words, _ONES[value]] if value else words


def _ordinal(found: re.Match) -> str:
  *words, last = number(found[1]).split()
  if last in _ORDINALS:
    last = _ORDINALS[last]
  else:
    last = last[:-1] + 'ieth' if last.endswith('y') else last + 'th'
  return f' {" ".join([*words, last])} '
