"""Apache Beam's own options, refused where Beam would pass over them."""

import argparse
import difflib
from collections.abc import Sequence
from typing import NoReturn

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import create_runner

from audiolm_jax.errors import UserError

# Beam's default runner first tries to download another one.
_LOCAL = 'FnApiRunner'
# Other runners may have options that only they know.
_LOCAL_RUNNERS = (_LOCAL, 'DirectRunner')


def parse(options: Sequence[str]) -> PipelineOptions:
  """Beam's options as on a command line; the local runner if none is named.

  Raises:
    UserError: A word is no option, no option has that name, a value is none, or
      there is no such runner.
  """
  parser = _Parser(add_help=False, allow_abbrev=False)
  for kind in PipelineOptions.__subclasses__():
    kind._add_argparse_args(parser)  # What options are made of, and no other.
  given = [f'--runner={_LOCAL}', *options]
  known, unknown = parser.parse_known_args(given)
  for word in unknown:
    _refuse(word, sorted(parser._option_string_actions), known.runner)
  try:
    create_runner(known.runner)
  except (ValueError, ImportError, AttributeError) as error:
    raise UserError(
        f'--runner={known.runner} is no runner of Apache Beam here: {error}'
    ) from error
  return PipelineOptions(given)


class _Parser(argparse.ArgumentParser):

  def error(self, message: str) -> NoReturn:
    raise UserError(f'An option of Apache Beam is wrong: {message}.')


def _refuse(word: str, names: Sequence[str], runner: str) -> None:
  """Refuses what nothing reads; another runner may have options of its own."""
  if not word.startswith('-'):
    raise UserError(
        f'{word!r} is no flag: give --input once for each manifest or glob (and'
        ' Beam its options after --, as --name=value).'
    )
  nearest = difflib.get_close_matches(word.split('=')[0], names, 1, 0.8)
  if nearest or runner in _LOCAL_RUNNERS:
    hint = f'; did you mean {nearest[0]}?' if nearest else '.'
    raise UserError(f'Apache Beam has no option {word}{hint}')
