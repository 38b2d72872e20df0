"""Tests that docstrings say their subject: each line stands alone."""

import ast
import pathlib
import re

import pytest

REPOSITORY = pathlib.Path(__file__).parents[1]
ROOMS = ('audiolm_jax', 'bench', 'data', 'launch')
# A summary, or the line of an argument, an attribute or an error, that opens so
# is a clause: the reader has to find out what it is about.
CLAUSE = re.compile(
    r'(?:\*{0,2}\w+: )?'
    r'(As|How|It|Itself|Of|That|The same as|Those|What|Where|Which|Who|Whose)\b'
)
ENTRY = re.compile(r'\*{0,2}\w+: ')
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def clauses(source):
  """Lines of the docstrings in `source` that open as clauses."""
  for node in ast.walk(ast.parse(source)):
    if isinstance(node, DOCUMENTED):
      summary, *lines = (ast.get_docstring(node) or '').split('\n')
      entries = [line.strip() for line in lines if ENTRY.match(line.strip())]
      yield from filter(CLAUSE.match, [summary, *entries])


@pytest.mark.parametrize(
    'line, is_clause',
    [
        ('What a sampler starts from.', True),
        ('A prompt: what a sampler starts from.', False),
        ('Items are words, not the word it.', False),
        ('UserError: It is damaged.', True),
        ('UserError: The bundle is damaged.', False),
        ('labels: Names of the classes.', False),
        ('labels: What the classes are called.', True),
    ],
)
def test_a_clause_is_known_by_its_first_word(line, is_clause):
  as_summary = f'"""{line}"""'
  as_entry = f'def f():\n  """Does.\n\n  Args:\n    {line}\n  """'
  assert bool(list(clauses(as_summary))) == is_clause
  assert bool(list(clauses(as_entry))) == (is_clause and ': ' in line)


@pytest.mark.parametrize('room', ROOMS)
def test_lines_of_docstrings_say_their_subject(room):
  found = [
      f'{path.relative_to(REPOSITORY)}: {line}'
      for path in sorted((REPOSITORY / room).rglob('*.py'))
      for line in clauses(path.read_text())
  ]
  assert not found
