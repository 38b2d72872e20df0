"""Damaged files are read or refused; the search for others can find them."""

import signal

import numpy as np
import pytest

from audiolm_jax.errors import UserError
from bench import fuzz, fuzzed_files


@pytest.mark.parametrize('kind', fuzzed_files.KINDS)
def test_mutants_are_read_or_refused(tmp_path, kind, capfd):
  counts = fuzz.fuzz(kind, tmp_path / kind, 0, lambda number: number < 60)
  assert counts['tried'] == 60 and not counts['faults'], capfd.readouterr().err
  assert counts['refused'] > 5


def _raises(error):
  def read():
    raise error

  return read


@pytest.mark.parametrize(
    'read, outcome',
    [
        (lambda: None, 'read'),
        (_raises(UserError('No.')), 'refused'),
        (_raises(ValueError('What?')), 'faults'),
        (_raises(MemoryError()), 'faults'),
        (signal.pause, 'faults'),
    ],
)
def test_a_reader_at_fault_is_found(tmp_path, monkeypatch, read, outcome):
  def cases(folder):
    (folder / 'x').write_bytes(bytes(100))
    yield folder / 'x', read

  monkeypatch.setitem(fuzzed_files.CASES, 'audio', cases)
  monkeypatch.setattr(fuzz, '_MOST_SECONDS', 1)
  keep = tmp_path / 'kept'
  counts = fuzz.fuzz('audio', tmp_path / 'f', 0, lambda n: n < 1, str(keep))
  assert counts[outcome] == 1
  assert keep.exists() == (outcome == 'faults')
  assert (tmp_path / 'f/x').read_bytes() == bytes(100)


def test_mutants_differ_from_the_file_and_depend_on_the_seed_alone():
  content = np.random.default_rng(0).bytes(5000)
  once, again = (
      [fuzz.mutant(content, draws) for _ in range(50)]
      for draws in (np.random.default_rng(1), np.random.default_rng(1))
  )
  assert once == again
  assert sum(mutant != content for mutant in once) > 45
