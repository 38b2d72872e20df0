"""Seals a folder: a digest of every file, so that damage is noticed.

Orbax checks neither sizes nor bits: of twelve files with one flipped bit it
restored eleven without a word.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping

from etils import epath

SEAL = 'digests.json'
_CHUNK = 1 << 24


def seal(folder: epath.Path, volatile: frozenset[str] = frozenset()) -> None:
  """Writes the sha256 of every file under folder, but for the volatile ones."""
  digests = {
      str(path.relative_to(folder)): digest(path)
      for path in _files(folder)
      if path.name not in volatile
  }
  (folder / SEAL).write_text(json.dumps(digests, indent=1))


def damage(folder: epath.Path, only: str | None = None) -> str | None:
  """Says what is wrong with a sealed folder; None if every bit is in place.

  Args:
    folder: Folder with its seal in it.
    only: The one file to look at, by its path in the folder.
  """
  try:
    digests = json.loads((folder / SEAL).read_text())
  except FileNotFoundError:
    return f'{SEAL} is missing'
  except ValueError:
    return f'{SEAL} cannot be read'
  if not isinstance(digests, Mapping) or not digests:
    return f'{SEAL} cannot be read'
  if only is not None:
    digests = {only: digests.get(only)}
  for name, expected in digests.items():
    path = folder / name
    if not path.is_file():
      return f'{name} is missing'
    if digest(path) != expected:
      return f'{name} does not match its digest'
  return None


def digest(path: epath.Path) -> str:
  """sha256 of a file, read in pieces."""
  sha256 = hashlib.sha256()
  with path.open('rb') as file:
    while chunk := file.read(_CHUNK):
      sha256.update(chunk)
  return sha256.hexdigest()


def _files(folder: epath.Path) -> Iterator[epath.Path]:
  # epath has no recursive glob.
  for path in sorted(folder.iterdir()):
    if path.is_dir():
      yield from _files(path)
    else:
      yield path
