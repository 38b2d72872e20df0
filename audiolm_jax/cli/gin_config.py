"""The configuration of Gin files and bindings, with errors in one line."""

import contextlib
import inspect
import pathlib
import re
from collections.abc import Iterator

import gin

from audiolm_jax.cli import extras, moved
from audiolm_jax.cli.bindings import check_read
from audiolm_jax.errors import UserError
from audiolm_jax.training import loop

# Holds gin/: a link in a checkout, the files themselves where it is installed.
_RECIPES = str(pathlib.Path(__file__).parents[1] / 'recipes')


def parse(
    files: list[str], bindings: list[str], search_paths: list[str]
) -> None:
  """Reads the configuration; what Gin finds wrong becomes a UserError."""
  if not files:
    raise UserError('Give --gin_file=FILE; gin/ holds one for each model.')
  for folder in (*search_paths, _RECIPES):
    gin.add_config_file_search_path(folder)
  with _gin_errors(ValueError, ImportError, AttributeError, OSError):
    gin.parse_config_files_and_bindings(files, bindings)
  check_read(bindings)


def bound_arguments() -> dict[str, object]:
  """Builds what the configuration binds to the arguments of `loop.train`."""
  with _gin_errors(RuntimeError):
    arguments = _bindings()
  try:
    inspect.signature(loop.train).bind(**arguments)
  except TypeError as error:
    raise UserError(f'The Gin files do not set train: {error}.') from error
  return arguments


def operative() -> str:
  """The configuration with the defaults that were used; itself a Gin file.

  Gin's own operative configuration knows what has been called. Factories that
  the loop calls later, such as evaluation data, are added as they are bound.
  """
  called = _sections(gin.operative_config_str())
  sections = _sections(gin.config_str()) | {
      head: section
      for head, section in called.items()
      if head.startswith('# Parameters for')
  }
  return '\n\n'.join(sections.values()) + '\n'


def _bindings() -> dict[str, object]:
  try:
    return gin.get_bindings(loop.train)
  except ValueError as error:
    if repr(loop.train) not in str(error):
      raise
    raise UserError(
        'No Gin file binds audiolm_jax.training.loop.train; start from one of'
        ' those in gin/.'
    ) from error


def _sections(text: str) -> dict[str, str]:
  sections = text.strip().split('\n\n')
  return {section.partition('\n')[0]: section for section in sections}


@contextlib.contextmanager
def _gin_errors(*kinds: type[Exception]) -> Iterator[None]:
  try:
    yield
  except UserError:
    raise
  except SyntaxError as error:
    raise UserError(
        f'Gin cannot read {(error.text or str(error)).strip()!r}; a string'
        ' needs its own quotes, as in --gin.MODEL_DIR="\'runs/x\'".'
    ) from error
  except kinds as error:
    # Gin's own copy of the error has lost the name.
    module = re.match(r"No module named '([\w.]+)'", str(error).strip())
    if module and extras.extra_of(module[1]):
      raise ModuleNotFoundError(module[0], name=module[1]) from error
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    renamed = moved.hint(lines[0]) if lines else None
    if renamed:
      lines[0] = f'{renamed}; change the import.'
    raise UserError(f'Gin: {" ".join(lines)}') from error
