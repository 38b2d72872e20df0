r"""Damages files at random: what reads them reads on, or refuses in one line.

  python -m bench.fuzz --seconds=60
  python -m bench.fuzz --seconds=3600 --kinds=audio --seed=7 --keep=/tmp/found

Small files of each kind (audio of many formats, shards and descriptions of a
token store, a bundle, a manifest) are mutated and read as the verbs read them.
Another exception than UserError, ten seconds for one file, or memory that grows
by a gigabyte is a fault: it is printed, the mutant is kept in --keep, and the
exit code is 1. One JSON object a kind; with --page the table of a page, such as
docs/robustness.md, is written anew.
"""

import collections
import contextlib
import json
import pathlib
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from absl import app, flags

from audiolm_jax.errors import UserError
from audiolm_jax.evaluation import tables
from bench.fuzzed_files import CASES, KINDS, Read

SECONDS = flags.DEFINE_float('seconds', 60.0, 'Seconds for all kinds together.')
SEED = flags.DEFINE_integer('seed', 0, 'Seed of the mutations.')
CHOSEN = flags.DEFINE_multi_enum(
    'kinds', list(KINDS), list(KINDS), 'Kinds of files that are damaged.'
)
PAGE = flags.DEFINE_string('page', None, 'Markdown page that has the table.')
KEEP = flags.DEFINE_string('keep', None, 'Folder that gets mutants at fault.')

# The table of a page: its header, and all lines that follow with a bar.
_TABLE = re.compile(r'^\| kind \| tried .*\n(\|.*\n)*', re.MULTILINE)
_MOST_SECONDS = 10
_MOST_BYTES = 1 << 30


def main(argv: Sequence[str]) -> None:
  del argv
  found = {}
  with tempfile.TemporaryDirectory() as folder:
    for kind in CHOSEN.value:
      found[kind] = fuzz(
          kind,
          pathlib.Path(folder, kind),
          SEED.value,
          _for(SECONDS.value / len(CHOSEN.value)),
          KEEP.value,
      )
      print(json.dumps({'kind': kind, **found[kind]}), flush=True)
  if PAGE.value:
    page = pathlib.Path(PAGE.value)
    page.write_text(_TABLE.sub(table(found), page.read_text(), count=1))
  sys.exit(1 if any(counts['faults'] for counts in found.values()) else 0)


def _for(seconds: float) -> Callable[[int], bool]:
  """Goes on for so many seconds from the first question on."""
  ends = []

  def goes_on(number: int) -> bool:
    if not number:
      ends.append(time.monotonic() + seconds)
    return time.monotonic() < ends[0]

  return goes_on


def table(found: Mapping[str, Mapping[str, int]]) -> str:
  """Markdown: a row for each kind."""
  columns = ('tried', 'read', 'refused', 'faults')
  rows = [
      (KINDS[kind], *(counts[column] for column in columns))
      for kind, counts in found.items()
  ]
  return tables.grid(('kind', *columns), rows)


def fuzz(
    kind: str,
    folder: pathlib.Path,
    seed: int,
    goes_on: Callable[[int], bool],
    keep: str | None = None,
) -> dict[str, int]:
  """Damages and reads files of a kind for as long as it `goes_on`.

  Returns:
    How many were tried, read, refused, and at fault.
  """
  folder.mkdir(parents=True)
  counts = collections.Counter(tried=0, read=0, refused=0, faults=0)
  draws = np.random.default_rng(seed)
  cases = list(CASES[kind](folder))
  memory = _memory()
  while goes_on(counts['tried']):
    path, read = cases[draws.integers(len(cases))]
    whole = path.read_bytes()
    path.write_bytes(mutant(whole, draws))
    outcome = _outcome(read)
    if _memory() > memory + _MOST_BYTES:
      outcome, memory = 'faults', _memory()
      print(f'{path.name}: memory grows', file=sys.stderr)
    if outcome == 'faults' and keep:
      pathlib.Path(keep).mkdir(parents=True, exist_ok=True)
      name = f'{kind}-{seed}-{counts["tried"]}-{path.name}'
      pathlib.Path(keep, name).write_bytes(path.read_bytes())
    path.write_bytes(whole)
    counts.update({'tried': 1, outcome: 1})
  return dict(counts)


def mutant(content: bytes, draws: np.random.Generator) -> bytes:
  """One to three changes of a file, as disks, copies and people make them."""
  changed = bytearray(content)
  for _ in range(draws.integers(1, 4)):
    start, stop = sorted(draws.integers(0, len(changed) + 1, 2))
    stop = min(stop, start + int(2 ** draws.uniform(0, 12)))
    what = draws.integers(6)
    if what == 0:  # Some flipped bits, often in the header.
      top = max(min(len(changed), int(2 ** draws.uniform(3, 24))), 1)
      for at in draws.integers(0, top, draws.integers(1, 9)):
        if at < len(changed):
          changed[at] ^= 1 << int(draws.integers(8))
    elif what == 1:
      del changed[stop:]
    elif what == 2:
      del changed[start:stop]
    elif what == 3:
      changed[start:start] = changed[start:stop]
    elif what == 4:
      changed[start:stop] = draws.bytes(stop - start)
    else:
      changed[start:stop] = bytes(stop - start)
  return bytes(changed)


def _outcome(read: Read) -> str:
  try:
    with _limit(_MOST_SECONDS):
      read()
  except UserError:
    return 'refused'
  # Whatever it is, it is what this looks for.
  except Exception:  # noqa: BLE001
    traceback.print_exc()
    return 'faults'
  return 'read'


@contextlib.contextmanager
def _limit(seconds: int) -> Iterator[None]:
  def late(signum, frame):
    raise TimeoutError(f'It took {seconds} s.')

  previous = signal.signal(signal.SIGALRM, late)
  signal.alarm(seconds)
  try:
    yield
  finally:
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


def _memory() -> int:
  return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == '__main__':
  app.run(main)
