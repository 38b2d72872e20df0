"""Notices of a reader about a file that it read all the same."""

import functools
import logging
import os

log = logging.getLogger(__name__)


def say(path: str | os.PathLike, message: str) -> None:
  """Logs a line about a file; each once, as crops are read again and again."""
  _say(os.fspath(path), message)


@functools.lru_cache(maxsize=4096)
def _say(path: str, message: str) -> None:
  log.warning('%s: %s', path, message)
