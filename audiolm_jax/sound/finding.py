"""Files by path, glob or folder: what exists is itself, each file is one."""

import fnmatch
import glob
import os
from collections.abc import Iterator, Sequence

from audiolm_jax.sound import notices


def matching(pattern: str | os.PathLike) -> list[str]:
  """Returns what a path or glob names, sorted; nothing, if nothing is there.

  A path that exists is never read as a glob, nor is the longest folder that
  exists in front of one: `album [FLAC]/*.flac` is what it looks like. `**` is
  any folders below, linked ones once; a file with several names is found once.
  """
  pattern = os.fspath(pattern)
  if os.path.lexists(pattern):
    return [pattern]
  folder, rest = split(pattern)
  if '**' in rest.split(os.sep):
    parts = rest.split(os.sep)
    found = [
        path
        for path in below(folder or os.curdir)
        if _fits(
            os.path.relpath(path, folder or os.curdir).split(os.sep), parts
        )
    ]
    if not folder:
      found = [os.path.relpath(path) for path in found]
    return sorted(found)
  return distinct(sorted(glob.glob(os.path.join(glob.escape(folder), rest))))


def split(pattern: str | os.PathLike) -> tuple[str, str]:
  """Returns the longest folder that exists in front of a glob, and the rest."""
  parts = os.fspath(pattern).split(os.sep)
  for count in range(len(parts) - 1, 0, -1):
    folder = os.sep.join(parts[:count]) or os.sep
    if os.path.isdir(folder):
      return folder, os.sep.join(parts[count:])
  return '', os.fspath(pattern)


def below(folder: str | os.PathLike) -> Iterator[str]:
  """Yields the files anywhere below a folder, each real one once.

  Linked folders are followed once, after those that really are there.
  """
  seen, waiting = set(), [os.fspath(folder)]
  while waiting:
    for root, folders, files in os.walk(waiting.pop(0), onerror=_unreadable):
      here = os.path.realpath(root)
      if here in seen:
        folders.clear()
        continue
      seen.add(here)
      folders.sort()
      paths = [os.path.join(root, name) for name in folders]
      waiting += [path for path in paths if os.path.islink(path)]
      for path in (os.path.join(root, name) for name in sorted(files)):
        real = os.path.realpath(path)
        if real not in seen:
          yield path
        seen.add(real)


def distinct(paths: Sequence[str]) -> list[str]:
  """Returns the paths without those that are other names of one before."""
  first = {}
  for path in paths:
    first.setdefault(os.path.realpath(path), path)
  return list(first.values())


def _fits(names: Sequence[str], patterns: Sequence[str]) -> bool:
  """Returns whether the names of a path are those of a glob with `**` in it."""
  if not patterns:
    return not names
  head, *rest = patterns
  if head == '**':
    hidden = [i for i, name in enumerate(names) if name.startswith('.')]
    most = hidden[0] if hidden else len(names)
    least = 0 if rest else 1  # No file is a folder.
    return any(_fits(names[i:], rest) for i in range(least, most + 1))
  if not names or (names[0].startswith('.') and not head.startswith('.')):
    return False
  return fnmatch.fnmatchcase(names[0], head) and _fits(names[1:], rest)


def _unreadable(error: OSError) -> None:
  notices.say(error.filename, f'this folder cannot be read: {error.strerror}.')
