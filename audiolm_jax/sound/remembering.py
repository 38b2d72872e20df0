"""Findings of a walk through a file, kept while the file stays the same."""

import functools
import os
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar('Found')


def remembered(
    function: Callable[[str], Found],
) -> Callable[[str | os.PathLike], Found]:
  """Makes a function of a file's content walk an unchanged file once."""

  @functools.lru_cache(maxsize=1024)
  def at(path: str, size: int, modified: int) -> Found:
    del size, modified
    return function(path)

  @functools.wraps(function)
  def remembering(path: str | os.PathLike) -> Found:
    stat = os.stat(path)
    return at(os.path.abspath(path), stat.st_size, stat.st_mtime_ns)

  return remembering
