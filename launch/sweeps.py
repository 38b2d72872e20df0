"""Hyper-parameter sweeps: every combination of values is a run of its own."""

import ast
import collections
import itertools
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from audiolm_jax.errors import UserError

ALONE = 'run'


class Sweep(NamedTuple):
  """A Gin parameter or macro, and the values that it takes."""

  name: str
  values: tuple[Any, ...]


class Unit(NamedTuple):
  """One run of an experiment; its name comes from the values swept over."""

  name: str
  bindings: tuple[str, ...]


def parse(flag: str) -> Sweep:
  """Reads NAME=V1,V2; values are Python, so strings need their own quotes."""
  name, _, text = flag.partition('=')
  try:
    values = ast.literal_eval(f'({text},)')
  except (ValueError, SyntaxError):
    values = ()
  if not (name and values):
    raise UserError(
        f'--sweep={flag} is not NAME=V1,V2 with values in Python, as in'
        ' --sweep=LEARNING_RATE=1e-3,2e-3.'
    )
  return Sweep(name, values)


def units(sweeps: Sequence[Sweep]) -> list[Unit]:
  """All combinations; a single unit if there is nothing to sweep over.

  Raises:
    UserError: Two units would share a folder.
  """
  labels = _labels([sweep.name for sweep in sweeps])
  found = []
  for values in itertools.product(*(sweep.values for sweep in sweeps)):
    settings = list(zip(sweeps, labels, values, strict=True))
    parts = [f'{label}={_safe(value)}' for _, label, value in settings]
    bindings = [f'{sweep.name}={value!r}' for sweep, _, value in settings]
    found.append(Unit(','.join(parts) or ALONE, tuple(bindings)))
  _check_names(found)
  return found


def _labels(names: Sequence[str]) -> list[str]:
  """The last part of each name, or all of it where that tells too little."""
  short = [name.rpartition('.')[2] for name in names]
  return [
      last if short.count(last) == 1 else _safe(name)
      for name, last in zip(names, short, strict=True)
  ]


def _safe(value: Any) -> str:
  return re.sub(r'[^\w.+-]+', '_', str(value))


def _check_names(found: Sequence[Unit]) -> None:
  [(name, count)] = collections.Counter(u.name for u in found).most_common(1)
  if count > 1:
    raise UserError(
        f'{count} points of the sweep are called {name}; leave out values that'
        ' are the same.'
    )
