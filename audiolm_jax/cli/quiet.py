"""Libraries say no more than warnings, and those in one line."""

import logging
import os
import pathlib
import sys

from absl import logging as absl_logging

# Whose files they come from; absl's and the root's handlers print for all.
_LIBRARIES = {
    'orbax',
    'apache_beam',
    'tensorflow',
    'etils',
    'tensorboardX',
    'httpx',
}
# Gin calls it an error where the first of several folders lacks a file.
_SILENT = {'resource_reader.py'}


class _Filter(logging.Filter):
  """Lets pass what is ours; of the libraries', warnings without tracebacks."""

  def filter(self, record: logging.LogRecord) -> bool:
    if absl_logging.get_verbosity() > absl_logging.INFO:
      return True
    parts = set(pathlib.PurePath(record.pathname).parts)
    if not (_LIBRARIES | _SILENT) & parts:
      return True
    # The exception itself comes up where it is waited for.
    record.exc_info = record.exc_text = None
    return record.levelno >= logging.WARNING and not _SILENT & parts


def libraries() -> None:
  """Makes them quiet; --verbosity=1 brings back what they say in Python.

  TensorFlow, which only reads and writes files here, tells of every accelerator
  that it does not find, as an error. The variable that silences it silences
  JAX's own errors in C++ as well, which a host of several must hear.
  """
  for handler in (absl_logging.get_absl_handler(), *logging.root.handlers):
    if not any(isinstance(each, _Filter) for each in handler.filters):
      handler.addFilter(_Filter())
  # JAX tells at length which accelerators it did not find.
  logging.getLogger('jax').setLevel(logging.WARNING)
  if not any('multiprocess' in word for word in sys.argv):
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
