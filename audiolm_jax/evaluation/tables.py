"""Tables of a report: what was measured beside what the papers say."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from audiolm_jax.evaluation.intervals import Figure


class Missing(NamedTuple):
  """A figure that could not be measured.

  Attributes:
    why: One line, with the command that mends it.
  """

  why: str


Cell = Figure | Missing | str | float | int | None


class Table(NamedTuple):
  """A table of the report.

  Attributes:
    name: Key in report.json: lower case, words joined by '_'.
    title: Title above the table.
    note: Sentences on what is measured, of what, which way is better, the
      paper's section.
    header: Names of the columns.
    rows: Rows of as many cells each as the header has.
  """

  name: str
  title: str
  note: str
  header: Sequence[str]
  rows: Sequence[Sequence[Cell]]


def missing(package: str, extra: str = 'eval') -> Missing:
  """Says how to install what a measure needs."""
  return Missing(f"{package} is missing: pip install 'audiolm_jax[{extra}]'")


def cell(value: Cell) -> str:
  """A value as a reader wants it."""
  match value:
    case None:
      return '-'
    case bool():
      return 'yes' if value else 'no'
    case Figure():
      return _figure(value)
    case Missing():
      return value.why
    case float():
      return _number(value)
  return str(value)


def _figure(figure: Figure) -> str:
  if figure.low != figure.low:
    interval = ''
  else:
    interval = f' [{_number(figure.low)}, {_number(figure.high)}]'
  return f'{_number(figure.value)}{interval}'


def _number(value: float) -> str:
  if value != value:
    return '-'
  return f'{value:.3f}' if abs(value) < 10 else f'{value:.1f}'


def markdown(table: Table) -> str:
  """Title, note and rows."""
  return f'## {table.title}\n\n{table.note}\n\n' + grid(
      table.header, table.rows
  )


def grid(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
  """Rows as Markdown."""
  lines = [
      [cell(value).replace('|', '\\|') for value in line]
      for line in [header, ['---'] * len(header), *rows]
  ]
  return ''.join('| ' + ' | '.join(line) + ' |\n' for line in lines)
