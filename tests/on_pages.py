"""Commands and code on pages: what is wrong with them, if anything is."""

import ast
import copy
import functools
import importlib
import importlib.util
import pathlib
import re
import shlex
from collections.abc import Iterator

from absl import flags

from audiolm_jax.cli import corpus, gin_flags, main

ROOT = pathlib.Path(__file__).parents[1]
# Programs whose arguments are known, and others that start them.
PROGRAMS = ('audiolm', 'bash', 'make', 'python')
STARTERS = ('srun', 'taskset')
# Folders with modules that define flags of their own.
OURS = ('bench', 'data', 'launch')


def commands(script: str) -> Iterator[list[str]]:
  """Words of each command of a script that starts a known program."""
  for line in script.replace('\\\n', ' ').splitlines():
    words = shlex.split(line, comments=True)
    while words:
      end = next((i for i, w in enumerate(words) if w in ('&&', '|')), None)
      yield from known(words[:end])
      words = words[end + 1 :] if end is not None else []


def known(words: list[str]) -> Iterator[list[str]]:
  """The words from a known program on, if they start one."""
  while words and re.match(r'\w+=', words[0]):
    words = words[1:]
  if words and words[0] in STARTERS:
    names = [pathlib.Path(word).name for word in words]
    start = next((i for i, n in enumerate(names) if n in PROGRAMS), len(words))
    words = words[start:]
  if words and pathlib.Path(words[0]).name in PROGRAMS:
    yield [pathlib.Path(words[0]).name, *words[1:]]


def faults(words: list[str]) -> list[str]:
  """What is wrong with a command; nothing if it can be given so."""
  words = [word for word in words if word != '...']
  check = {
      'audiolm': audiolm_faults,
      'bash': lambda words: missing_files(words[1:2]),
      'make': make_faults,
      'python': python_faults,
  }
  return [f'{fault}: {shlex.join(words)}' for fault in check[words[0]](words)]


def audiolm_faults(words: list[str]) -> list[str]:
  values, rest = verb_flags(words[1:])
  if values is None:
    return [] if rest[:1] in (['--help'], ['--version']) else ['no such verb']
  try:
    copy.deepcopy(values)(['audiolm', *gin_flags.rewrite(rest)])
  except flags.Error as error:
    return [str(error)]
  return gin_faults(rest)


def verb_flags(
    words: list[str],
) -> tuple[flags.FlagValues | None, list[str]]:
  """The flags of a verb or an adapter, and the words behind it."""
  verb, *rest = words or ['']
  if verb not in main.VERBS:
    return None, words
  if verb != 'corpus':
    return importlib.import_module(main.module_of(verb)).FLAGS, rest
  if not rest or rest[0] not in corpus.MODULES:
    return None, rest
  name = f'audiolm_jax.adapters.{corpus.MODULES[rest[0]]}'
  return importlib.import_module(name).FLAGS, rest[1:]


def gin_faults(words: list[str]) -> list[str]:
  """Gin files that are not there, and bindings that nothing reads."""
  pairs = [word.partition('=')[::2] for word in words]
  found = missing_files([v for name, v in pairs if name == '--gin_file'])
  for name, value in pairs:
    if name.startswith('--gin.'):
      macro = name.removeprefix('--gin.')
      if '.' not in macro and macro not in macros():
        found.append(f'no Gin file has {macro}')
      if not is_python(value):
        found.append(f'{value} is no Python')
  return found


@functools.cache
def macros() -> set[str]:
  """Names that Gin files give values to."""
  texts = [path.read_text() for path in (ROOT / 'gin').glob('*.gin')]
  return set(re.findall(r'^([A-Z_]+) =', '\n'.join(texts), re.M))


def is_python(value: str) -> bool:
  try:
    ast.literal_eval(value)
  except (SyntaxError, ValueError):
    return False
  return True


def missing_files(paths: list[str]) -> list[str]:
  return [f'no {path}' for path in paths if not (ROOT / path).exists()]


def make_faults(words: list[str]) -> list[str]:
  makefile = (ROOT / 'Makefile').read_text()
  found = []
  for word in words[1:]:
    name, assigned, _ = word.partition('=')
    sign = r' [?:]?=' if assigned else ':'
    if not re.search(rf'^{re.escape(name)}{sign}', makefile, re.M):
      found.append(f'the Makefile has no {name}')
  return found


def python_faults(words: list[str]) -> list[str]:
  """Modules that are not there, and flags that they do not name."""
  if words[1:2] == ['-m']:
    name, rest = words[2], words[3:]
  elif words[1:2] and words[1].endswith('.py'):
    name, rest = words[1].removesuffix('.py').replace('/', '.'), words[2:]
  else:
    return []
  if name.partition('.')[0] not in OURS:
    return [] if importlib.util.find_spec(name) else [f'no module {name}']
  if not module_path(name):
    return [f'no module {name}']
  asked = [word[2:].partition('=')[0] for word in rest if word[:2] == '--']
  there = strings(name)
  return [
      f'no flag {flag}'
      for flag in asked
      if not {flag, flag.removeprefix('no')} & there
      and not flag.startswith('gin.')
  ]


def module_path(name: str) -> pathlib.Path | None:
  path = ROOT / (name.replace('.', '/') + '.py')
  return path if path.exists() else None


@functools.cache
def strings(name: str) -> frozenset[str]:
  """Strings of a module and of ours that it imports: its flags are there.

  Importing it would take seconds.
  """
  tree = ast.parse(module_path(name).read_text())
  found = frozenset(
      node.value
      for node in ast.walk(tree)
      if isinstance(node, ast.Constant) and isinstance(node.value, str)
  )
  for node in ast.walk(tree):
    if isinstance(node, ast.ImportFrom) and node.module.startswith(OURS):
      for alias in node.names:
        other = f'{node.module}.{alias.name}'
        if other != name and module_path(other):
          found |= strings(other)
  return found


def imported(code: str) -> Iterator[tuple[str, str]]:
  """Modules of the package and the names that code takes out of them."""
  for node in ast.walk(ast.parse(code)):
    if isinstance(node, ast.ImportFrom) and node.module:
      if node.module.partition('.')[0] == 'audiolm_jax':
        yield from ((node.module, alias.name) for alias in node.names)


def offers(module: str, name: str) -> bool:
  if importlib.util.find_spec(module) is None:
    return False
  if hasattr(importlib.import_module(module), name):
    return True
  return importlib.util.find_spec(f'{module}.{name}') is not None
