"""Writes the page of the commands from their own help and flags."""

import importlib
import inspect
import re

from absl import flags
from mkdocs.structure.pages import Page

from audiolm_jax.cli import corpus, main

_PAGE = 'commands.md'


def on_page_markdown(markdown: str, page: Page, **_) -> str | None:
  """Adds a section for each verb to the page of the commands."""
  if page.file.src_uri != _PAGE:
    return None
  return '\n\n'.join([markdown, *map(_section, _modules())])


def _modules() -> list[tuple[str, str]]:
  """Commands, and the modules that hold their help and their flags."""
  found = []
  for verb in main.VERBS:
    found.append((verb, main.module_of(verb)))
    if verb == 'corpus':
      found += [
          (f'corpus {name}', f'audiolm_jax.adapters.{module}')
          for name, module in corpus.MODULES.items()
      ]
  return found


def _section(command: tuple[str, str]) -> str:
  name, module_name = command
  module = importlib.import_module(module_name)
  text = re.split(r'\n\n', inspect.getdoc(module))
  parts = [f'## audiolm {name}', *map(_paragraph, text)]
  if rows := _rows(getattr(module, 'FLAGS', flags.FlagValues())):
    parts.append('| flag | default | what |\n| --- | --- | --- |\n' + rows)
  return '\n\n'.join(parts)


def _paragraph(text: str) -> str:
  """A paragraph of a help; what is indented there is code."""
  head, _, rest = text.partition('\n')
  if head in ('Example:', 'Examples:'):
    return f'```bash\n{inspect.cleandoc(rest)}\n```'
  if text.startswith('  '):
    return f'```text\n{inspect.cleandoc(text)}\n```'
  return _plain(text)


def _rows(values: flags.FlagValues) -> str:
  """Own flags of a verb in the order in which they are defined."""
  rows = []
  for found in values.flags_by_module_dict().values():
    rows += [_row(flag) for flag in found]
  return ''.join(dict.fromkeys(rows))


def _row(flag: flags.Flag) -> str:
  name = f'--[no]{flag.name}' if flag.boolean else f'--{flag.name}'
  names = f'`{name}`' + (f', `-{flag.short_name}`' if flag.short_name else '')
  default = flag.default_as_str if flag.default not in (None, []) else ''
  shown = f'`{default.strip(chr(39))}`' if default else ''
  choices = getattr(flag.parser, 'enum_values', None)
  # Absl puts the choices of a flag in front, and how it is repeated behind.
  about = re.sub(r'^<[^>]*>: |;\n\s+repeat this option.*', '', flag.help)
  about = _plain(about.replace('\n', ' '))
  if choices:
    about += f' One of {", ".join(f"`{each}`" for each in choices)}.'
  return f'| {names} | {shown} | {about} |\n'


def _plain(text: str) -> str:
  """Text in which no character is Markdown's, but for code in backticks."""
  return re.sub(r'([*<|\[\]])', r'\\\1', text)
