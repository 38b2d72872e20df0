"""Brings files that lie outside of docs/ onto the site.

A link that leads out of docs/, as ../launch/speech.sh does, leads to a page
that shows this file. A paragraph that is nothing but a link to a section of
such a file, as [Hear it](../README.md#hear-it), becomes the text of the
section, up to the next heading: so a text stands in one place.
"""

import pathlib
import posixpath
import re
from collections.abc import Iterator

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = pathlib.Path(__file__).parents[2]
# The sections of this one stand on other pages.
_README = 'README.md'
_FOLDER = 'repository'
# Code, in which nothing is a link, or the target of a link.
_LINK = re.compile(
    r'(^```.*?^```$|`[^`]+`)|(?<=\]\()([^)\s]+)(?=\))', re.M | re.S
)
_INCLUDE = re.compile(
    r'(?<=\n\n)\[[^\]]+\]\((\.\./[^)#]+\.md)#([\w-]+)\)(?=\n\n|\n?\Z)'
)
_HEADING = re.compile(r'(^```.*?^```$)|^#+ ([^\n]+)$', re.M | re.S)
_LANGUAGES = {
    '.gin': 'python',
    '.json': 'json',
    '.py': 'python',
    '.sh': 'bash',
    '.yaml': 'yaml',
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
  """Adds a page for each file outside of docs/ that a page leads to."""
  waiting = [f'docs/{page.src_uri}' for page in files.documentation_pages()]
  known = set(waiting)
  while waiting:
    for path in _linked(waiting.pop()):
      if path in known or path.startswith('docs/'):
        continue
      known.add(path)
      if path != _README:
        files.append(File.generated(config, _place(path), content=_shown(path)))
      if path.endswith('.md'):
        waiting.append(path)
  return files


def on_page_markdown(markdown: str, page: Page, **_) -> str:
  """Puts sections in their places, and turns links to where files are now."""
  origin = _origin(page.file.src_uri)
  text, *rest = _INCLUDE.split(markdown)
  made = [_relinked(text, origin, origin)]
  for path, anchor, text in zip(*[iter(rest)] * 3, strict=True):
    source = _resolved(path, origin)
    made.append(_relinked(_section(source, anchor), source, origin))
    made.append(_relinked(text, origin, origin))
  return ''.join(made)


def _linked(origin: str) -> Iterator[str]:
  """The files of the repository that a Markdown file leads to."""
  text = (ROOT / origin).read_text(encoding='utf-8')
  for _, target in _LINK.findall(text):
    path = _resolved(target, origin)
    if path and (ROOT / path).exists():
      yield path


def _relinked(text: str, origin: str, shown: str) -> str:
  """The text of one file, with links as they are where it is shown."""

  def link(match: re.Match) -> str:
    path = match[2] and _resolved(match[2], origin)
    if not path or not (ROOT / path).exists():
      return match[0]
    folder = posixpath.dirname(_place(shown)) or '.'
    _, hash_sign, anchor = match[2].partition('#')
    return posixpath.relpath(_place(path), folder) + hash_sign + anchor

  return _LINK.sub(link, text)


def _resolved(target: str, origin: str) -> str:
  """The path that a link means, from the root; '' if it leads elsewhere."""
  path = target.partition('#')[0]
  if not path or ':' in path:
    return ''
  return posixpath.normpath(posixpath.join(posixpath.dirname(origin), path))


def _place(path: str) -> str:
  """Where the site has a file of the repository."""
  if path == _README:
    return 'index.md'
  if path.startswith('docs/'):
    return path.removeprefix('docs/')
  return f'{_FOLDER}/{path}' + ('' if path.endswith('.md') else '.md')


def _origin(src_uri: str) -> str:
  """The file of the repository that a page shows."""
  if not src_uri.startswith(f'{_FOLDER}/'):
    return f'docs/{src_uri}'
  path = src_uri.removeprefix(f'{_FOLDER}/')
  return path if (ROOT / path).exists() else path.removesuffix('.md')


def _shown(path: str) -> str:
  """A file of the repository as a page."""
  file = ROOT / path
  if file.is_dir():
    names = sorted(each.name for each in file.iterdir())
    return f'# {path}\n\n' + ''.join(f'- `{name}`\n' for name in names)
  text = file.read_text(encoding='utf-8')
  if path.endswith('.md'):
    return text
  language = _LANGUAGES.get(file.suffix, 'text')
  return f'# {path}\n\n~~~~{language}\n{text}~~~~\n'


def _section(path: str, anchor: str) -> str:
  """The text between a heading and the next one.

  Raises:
    PluginError: There is no such heading.
  """
  text = (ROOT / path).read_text(encoding='utf-8')
  headings = [found for found in _HEADING.finditer(text) if found[2]]
  for heading, after in zip(headings, [*headings[1:], None], strict=True):
    if _slug(heading[2]) == anchor:
      end = after.start() if after else len(text)
      return text[heading.end() : end].strip()
  raise PluginError(f'{path} has no heading #{anchor}.')


def _slug(heading: str) -> str:
  """The anchor of a heading, as GitHub makes it."""
  return re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-')
