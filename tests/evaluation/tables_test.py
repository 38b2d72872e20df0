"""Tests audiolm_jax/evaluation/tables.py."""

import math

from audiolm_jax.evaluation import tables
from audiolm_jax.evaluation.intervals import Figure

NAN = math.nan


def test_cells_read_as_a_reader_wants_them():
  shown = {
      'yes': True,
      '-': None,
      '0.123': 0.12345,
      '0.500 [0.400, 0.600]': Figure(0.5, 0.4, 0.6, 10, 3),
      '12.0': Figure(12.0, NAN, NAN, 10, 1),
      "x is missing: pip install 'audiolm_jax[eval]'": tables.missing('x'),
  }
  assert list(shown) == [tables.cell(value) for value in shown.values()]
  assert tables.cell(NAN) == '-'


def test_markdown_is_a_whole_table_whatever_stands_in_a_cell():
  table = tables.Table('t', 'Title', 'Note.', ['a|b', 'c'], [['x|y', 1]])
  lines = tables.markdown(table).splitlines()
  assert lines[0] == '## Title' and lines[2] == 'Note.'
  assert {line.replace('\\|', '').count('|') for line in lines[4:]} == {3}
