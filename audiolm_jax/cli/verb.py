"""Shared parts of all verbs: own flags, help, one line for a user's mistake."""

import errno
import inspect
import io
import sys
from collections.abc import Callable, Sequence

from absl import app, flags, logging

from audiolm_jax.cli import extras, interrupts, quiet
from audiolm_jax.errors import UserError

Main = Callable[[list[str]], int | None]

# Folders that are full, gone or protected while a verb works.
_ENVIRONMENT = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EIO,
}


def run(
    main: Main,
    values: flags.FlagValues,
    argv: Sequence[str] | None = None,
) -> None:
  """Runs main under absl and exits: 0, what it returns, or 2 for a UserError.

  A training run that meets NaN exits with 1, one that Ctrl-C ends with 130.

  Args:
    main: Gets what is left of argv once the flags are taken out; the help text
      is the docstring of its module.
    values: The flags of this verb alone, so that verbs can share a process.
    argv: The process's own by default.
  """

  # Names of files need not be UTF-8; they are printed all the same.
  for stream in (sys.stdout, sys.stderr):
    if isinstance(stream, io.TextIOWrapper):
      stream.reconfigure(errors='backslashreplace')
  quiet.libraries()

  def parse(argv: Sequence[str]) -> list[str]:
    if {'-h', '-help', '--help', '--helpshort'} & set(argv):
      print(_help(main, values))
      sys.exit(0)
    # absl's own flags (--verbosity, --log_dir, ...) stay in the global set.
    return values(flags.FLAGS(list(argv), known_only=True))

  with interrupts.in_one_line(), extras.named():
    app.run(
        lambda rest: _guarded(main, rest),
        argv=list(sys.argv if argv is None else argv),
        flags_parser=lambda argv: _guarded(parse, argv),
    )


def _guarded(function, argv):
  try:
    return function(argv)
  except (UserError, flags.Error) as error:
    logging.flush()
    # Gin appends where it was called from to whatever it lets through.
    print(f'Error: {str(error).splitlines()[0]}', file=sys.stderr)
    sys.exit(2)
  except OSError as error:
    if error.errno not in _ENVIRONMENT:
      raise
    logging.flush()
    what = error.filename or 'A file could not be written'
    print(
        f'Error: {what}: {error.strerror}; mend that and run the same command'
        ' again.',
        file=sys.stderr,
    )
    sys.exit(2)
  except FloatingPointError as error:
    # A run that diverged: where and how to go on, not where in the code.
    logging.flush()
    print(f'Error: {error}', file=sys.stderr)
    sys.exit(1)


def _help(main: Main, values: flags.FlagValues) -> str:
  text = inspect.getdoc(inspect.getmodule(main))
  return f'{text}\n\nFlags:\n{values.get_help(include_special_flags=False)}'
