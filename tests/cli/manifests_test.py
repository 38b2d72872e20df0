"""Tests audiolm_jax/cli/manifests.py."""

import csv
import json

import pytest

from audiolm_jax.cli import manifests
from audiolm_jax.errors import UserError

LINES = [
    {
        'file': 'a_0.wav',
        'prompt': 'Привет, мир.wav',
        'temperatures': [0.6, 0.8],
    },
    {'file': 'b_0.wav', 'prompt': 'say "a, b"\n.wav', 'temperatures': [1.0, 1]},
    {'file': 'c_0.wav', 'prompt': None, 'temperatures': [0.6, 0.8]},
]


@pytest.fixture
def folder(tmp_path):
  """All WAVs, and no manifest yet."""
  for line in LINES:
    (tmp_path / line['file']).write_text('sound')
  return tmp_path


def test_a_spreadsheet_has_the_columns_of_the_lines(folder):
  manifests.write(folder, LINES, '.0')
  assert list(manifests.read(folder).made.values()) == LINES
  with open(folder / 'manifest.csv', encoding='utf-8-sig', newline='') as file:
    rows = list(csv.DictReader(file))
  assert [list(row) for row in rows] == [list(line) for line in LINES]
  assert [row['prompt'] for row in rows] == [
      line['prompt'] or '' for line in LINES
  ]
  assert rows[0]['temperatures'] == '0.6 0.8'


def test_a_torn_line_is_dropped_and_the_next_one_stands_alone(folder):
  path = folder / 'manifest.jsonl'
  manifests.append(path, LINES[0])
  whole = path.read_bytes()
  manifests.append(path, LINES[1])
  second = path.read_bytes()[len(whole) :]
  for length in range(len(second)):
    path.write_bytes(whole + second[:length])
    assert set(manifests.read(folder).made) == {'a_0.wav'}
    manifests.mend(path)
    assert path.read_bytes() == whole
  manifests.append(path, LINES[2])
  assert set(manifests.read(folder).made) == {'a_0.wav', 'c_0.wav'}


@pytest.mark.parametrize('line', ['x', '[]', '{"prompt": "a"}', '\x00'])
def test_a_line_of_something_else_is_named(folder, line):
  good = json.dumps(LINES[0])
  (folder / 'manifest.jsonl').write_text(f'{good}\n{line}\n{good}\n')
  with pytest.raises(UserError, match='manifest.jsonl:2 is no line'):
    manifests.read(folder)


def test_what_was_deleted_or_lost_is_not_there(folder):
  manifests.write(folder, LINES, '.0')
  (folder / 'a_0.wav').unlink()
  (folder / 'b_0.wav').write_bytes(b'')
  assert set(manifests.read(folder).made) == {'c_0.wav'}


def test_what_one_host_failed_at_and_another_made_is_made(folder):
  failed = {'file': 'a_0.wav', 'error': 'gone'}
  manifests.append(folder / 'manifest-00000-of-00002.jsonl', LINES[0])
  manifests.append(folder / 'manifest-00001-of-00002.jsonl', failed)
  found = manifests.read(folder)
  assert found.made['a_0.wav'] == LINES[0]
  assert found.failed == {'a_0.wav'}


def test_all_that_differs_is_named(folder):
  made = {'a_0.wav': {'file': 'a_0.wav', 'seed': 0, 'mode': 'x', 'time': 3}}
  manifests.check(folder, made, [{'file': 'a_0.wav', 'seed': 0, 'mode': 'x'}])
  manifests.check(folder, made, [{'file': 'b_0.wav', 'seed': 1}])
  other = {'file': 'a_0.wav', 'seed': 1, 'mode': 'y'}
  with pytest.raises(UserError, match='seed 0 and not 1, mode x and not y'):
    manifests.check(folder, made, [other])
