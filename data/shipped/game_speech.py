"""Speech out of games and children's programs: many voices, copyleft licences.

For training only: who speaks is told by file names, texts are missing in part,
and the recordings have music, effects and acting in them.
"""

import pathlib
import re
from collections.abc import Iterator

from data.shipped import fetch
from data.shipped.real_speech import Recording

_DIALOGUE = re.compile(
    r'dialogId\("([^"]+)", "([^"]*)", "(?:[^"\\]|\\.)*"\)\s*'
    r'dialogStr\("((?:[^"\\]|\\.)*)"\)'
)


def fillets(cache: pathlib.Path = fetch.CACHE) -> Iterator[Recording]:
  """Two fish talk, in Czech and in Dutch; the font of a line tells whose."""
  scripts = fetch.debian('fillets-ng-data', cache)
  lines = {}
  for path in sorted(scripts.rglob('dialogs_*.lua')):
    language = path.stem.removeprefix('dialogs_')
    text = path.read_text(encoding='utf-8')
    for name, font, words in _DIALOGUE.findall(text):
      lines[language, name] = font.removeprefix('font_'), words
  for language in ('cs', 'nl'):
    package = fetch.debian(f'fillets-ng-data-{language}', cache)
    for path in sorted(package.rglob('*.ogg')):
      role, words = lines.get((language, path.stem), ('unknown', None))
      yield _recording(
          path, package, f'fillets-{language}', 'GPL-2', role, words
      )


def tuxpaint(cache: pathlib.Path = fetch.CACHE) -> Iterator[Recording]:
  """Spoken descriptions of Tux Paint's pictures, in a dozen languages."""
  package = fetch.debian('tuxpaint-stamps-default', cache)
  for path in sorted(package.rglob('*_desc*.ogg')):
    # One file is called *_desc_da.ogg.ogg.
    name, _, ending = path.name.partition('.')[0].rpartition('_desc')
    language = ending.strip('_') or 'en'
    yield _recording(
        path,
        package,
        f'tuxpaint-{language}',
        'GPL-2',
        language,
        _stamp_text(path.with_name(f'{name}.txt'), language),
    )


def klettres(cache: pathlib.Path = fetch.CACHE) -> Iterator[Recording]:
  """Letters and syllables; the folder is the language."""
  package = fetch.debian('klettres-data', cache)
  for path in sorted(package.glob('usr/share/klettres/*/*/*.ogg')):
    language = path.parts[-3]
    yield _recording(path, package, f'klettres-{language}', 'GPL-2+', language)


def ktuberling(cache: pathlib.Path = fetch.CACHE) -> Iterator[Recording]:
  """Single words; the folder is the language."""
  package = fetch.debian('ktuberling-data', cache)
  for path in sorted(package.rglob('sounds/*/*')):
    if path.suffix in ('.wav', '.ogg', '.opus'):
      language = path.parent.name
      yield _recording(
          path, package, f'ktuberling-{language}', 'GPL-2+', language
      )


def hedgewars(cache: pathlib.Path = fetch.CACHE) -> Iterator[Recording]:
  """Shouts of fifteen characters."""
  package = fetch.debian('hedgewars-data', cache)
  for path in sorted(package.rglob('[Vv]oices/*/*.ogg')):
    yield _recording(path, package, 'hedgewars', 'GFDL-1.3', path.parent.name)


def _recording(
    path: pathlib.Path,
    package: pathlib.Path,
    source: str,
    licence: str,
    role: str,
    transcript: str | None = None,
) -> Recording:
  name = path.relative_to(package / 'usr/share').with_suffix('')
  return Recording(
      path=path,
      source=source,
      licence=licence,
      name='-'.join(name.parts),
      speaker=f'{source}-{role}',
      split='train',
      transcript=transcript,
  )


def _stamp_text(path: pathlib.Path, language: str) -> str | None:
  """The first line is English; others are `LANGUAGE.utf8=TEXT`."""
  if not path.exists():
    return None
  first, *others = path.read_text(
      encoding='utf-8', errors='replace'
  ).splitlines() or ['']
  translations = dict(
      line.split('.utf8=', 1) for line in others if '.utf8=' in line
  )
  return first if language == 'en' else translations.get(language)
