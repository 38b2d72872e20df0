"""Disk space of what an extra brings, where it is installed.

  python -m bench.installed grain train

One JSON object a line for each extra: how many packages it asks for, directly
or by others, those of the core among them, and the sizes of their files as each
package lists them. Every package has to be installed.
"""

import importlib.metadata
import json
import sys

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def packages(name: str, extras: frozenset[str]) -> set[str]:
  """Names of all that a package with some extras asks for, itself included."""
  found: set[tuple[str, frozenset[str]]] = set()
  todo = [(canonicalize_name(name), extras)]
  while todo:
    found.add(todo[-1])
    todo += set(_required(*todo.pop())) - found
  return {name for name, _ in found}


def _required(
    name: str, extras: frozenset[str]
) -> list[tuple[str, frozenset[str]]]:
  lines = importlib.metadata.requires(name) or ()
  return [
      (canonicalize_name(one.name), frozenset(one.extras))
      for one in map(Requirement, lines)
      if one.marker is None
      or any(one.marker.evaluate({'extra': e}) for e in extras | {''})
  ]


def size(name: str) -> int:
  """Bytes of a package's files, but for what was compiled after installing."""
  files = importlib.metadata.files(name) or ()
  return sum(file.size or 0 for file in files)


def main(extras: list[str]) -> None:
  """Prints the size of each extra."""
  for extra in extras:
    names = packages('audiolm_jax', frozenset({extra})) - {'audiolm-jax'}
    sizes = {name: size(name) for name in names}
    largest = sorted(sizes, key=sizes.get, reverse=True)[:5]
    found = {
        'extra': extra,
        'packages': len(sizes),
        'gigabytes': round(sum(sizes.values()) / 1e9, 2),
        'largest_megabytes': {n: round(sizes[n] / 1e6) for n in largest},
    }
    print(json.dumps(found))


if __name__ == '__main__':
  main(sys.argv[1:])
