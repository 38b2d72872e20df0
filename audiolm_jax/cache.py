"""Cache folder for files that can be made or fetched again."""

import os
import pathlib


def folder() -> pathlib.Path:
  """The program's folder in the user's cache.

  A user id without a home, as in many containers, has it in the current folder.
  """
  try:
    default = pathlib.Path.home()
  except RuntimeError:
    default = pathlib.Path.cwd()
  caches = os.environ.get('XDG_CACHE_HOME') or default / '.cache'
  return pathlib.Path(caches, 'audiolm_jax')
