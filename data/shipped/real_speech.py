"""Recorded human speech out of Debian packages, with free licences.

The Asterisk prompts are five languages by four people; festvox-ru is one reader
with hand-checked phone times. Carlo (Italian) speaks in the test split only.
Allison reads both English and Spanish, so both stay in train. Of the others,
every twentieth utterance is held out for dev and another for test.
"""

import gzip
import pathlib
import re
from collections.abc import Iterator
from typing import NamedTuple

from audiolm_jax.adapters.recording import Label
from data.shipped import fetch

_SOUNDS = 'usr/share/asterisk/sounds'
_VOICE = 'usr/share/festival/voices/russian/msu_ru_nsh_clunits'

ASTERISK_LICENCES = {
    'en': 'CC-BY-SA-3.0 Allison Smith',
    'es': 'CC-BY-SA-3.0 Allison Smith',
    'fr': 'CC-BY-SA-3.0 June Wallack',
    'it': 'CC-BY-3.0 Carlo Flora',
    'ru': 'CC-BY-3.0 Maxim Topal, ivrvoice.ru',
}
_SPLITS = {'en': 'train', 'es': 'train', 'it': 'test'}
_NOT_SPEECH = re.compile(r'silence/|beep|tone|silence')


class Recording(NamedTuple):
  """A file to convert, and what its manifest entry will say.

  Attributes:
    path: In any format that `data.decoding.decode` reads.
    name: Name of the clip, without suffix; unique within its source.
    split: Split of the clip, or None to be held out by its number.
    labels: Phones with their times.
    language: Language of what is said, as in ISO 639-1; or None.
  """

  path: pathlib.Path
  source: str
  licence: str
  name: str
  speaker: str
  split: str | None = None
  transcript: str | None = None
  labels: tuple[Label, ...] = ()
  language: str | None = None


def asterisk(
    languages: tuple[str, ...] = tuple(ASTERISK_LICENCES),
    cache: pathlib.Path = fetch.CACHE,
) -> Iterator[Recording]:
  """Telephone prompts, 16 kHz G.722."""
  for language in languages:
    texts = _asterisk_texts(language, cache)
    package = f'asterisk-core-sounds-{language}'
    sounds = fetch.debian(f'{package}-g722', cache) / _SOUNDS
    for path in sorted(sounds.rglob('*.g722')):
      speaker, _, name = str(path.relative_to(sounds)).partition('/')
      name = name.removesuffix('.g722')
      transcript = texts.get(name)
      # Brackets describe a sound instead of giving words.
      if _NOT_SPEECH.search(name) or '[' in (transcript or ''):
        continue
      yield Recording(
          path=path,
          source=f'asterisk-{language}',
          licence=ASTERISK_LICENCES[language],
          name=name.replace('/', '-'),
          speaker='Allison' if 'Allison' in speaker else speaker,
          split=_SPLITS.get(language),
          transcript=transcript,
          language=language,
      )


def festvox(cache: pathlib.Path = fetch.CACHE) -> Iterator[Recording]:
  """620 read Russian sentences of one man."""
  voice = fetch.debian('festvox-ru', cache) / _VOICE
  lines = (voice / 'etc/txt.done.data').read_text(encoding='utf-8')
  texts = dict(re.findall(r'\( *(\S+) +"(.*)" *\)', lines))
  for path in sorted((voice / 'wav').glob('*.wav')):
    yield Recording(
        path=path,
        source='festvox-ru',
        licence='BSD-like Nickolay V. Shmyrev 2005',
        name=path.stem,
        speaker='nsh',
        # A plus marks the stressed vowel.
        transcript=texts[path.stem].replace('+', ''),
        labels=read_phones(voice / 'lab' / f'{path.stem}.lab'),
        language='ru',
    )


def read_phones(path: pathlib.Path) -> tuple[Label, ...]:
  """Reads a Festival label file, whose lines are `end colour phone`."""
  lines = path.read_text(encoding='utf-8').partition('#\n')[2].splitlines()
  phones, start = [], 0.0
  for end, _, phone in (line.split() for line in lines if line.strip()):
    phones.append((start, float(end), phone))
    start = float(end)
  return tuple(phones)


def _asterisk_texts(language: str, cache: pathlib.Path) -> dict[str, str]:
  package = f'asterisk-core-sounds-{language}'
  documents = fetch.debian(package, cache) / 'usr/share/doc' / package
  text = gzip.decompress(
      (documents / f'core-sounds-{language}.txt.gz').read_bytes()
  ).decode('utf-8', errors='replace')
  found = re.findall(r'^\s*([^:;\n]+?)\s*: *(.+)$', text, re.MULTILINE)
  return {name: words.strip() for name, words in found}
