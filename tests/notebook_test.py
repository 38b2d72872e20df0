"""Runs docs/try_it.ipynb."""

import os
import pathlib
import re

import nbclient
import nbformat
import numpy as np
import pytest
import soundfile

ROOT = pathlib.Path(__file__).parents[1]
NOTEBOOK = ROOT / 'docs' / 'try_it.ipynb'


@pytest.fixture(name='notebook')
def fixture_notebook():
  return nbformat.read(NOTEBOOK, as_version=4)


def test_it_is_stored_without_what_it_shows(notebook):
  nbformat.validate(notebook)
  cells = [cell for cell in notebook.cells if cell.cell_type == 'code']
  assert cells and not any(cell.outputs for cell in cells)
  assert not any(cell.execution_count for cell in cells)
  assert NOTEBOOK.stat().st_size < 20_000


def test_what_it_refers_to_is_there(notebook):
  text = '\n'.join(cell.source for cell in notebook.cells)
  links = re.findall(r'\]\(([^)]+)\)', text)
  assert len(links) >= 4
  assert all((NOTEBOOK.parent / link).is_file() for link in links)


@pytest.mark.slow
def test_it_continues_a_recording_and_shows_it(notebook, tmp_path, monkeypatch):
  monkeypatch.setenv('PYTHONPATH', str(ROOT), prepend=os.pathsep)
  for name in ('IPYTHONDIR', 'JUPYTER_RUNTIME_DIR', 'XDG_CACHE_HOME'):
    monkeypatch.setenv(name, str(tmp_path / name))
  place = {'metadata': {'path': str(tmp_path)}}
  nbclient.NotebookClient(notebook, timeout=900, resources=place).execute()
  takes = [soundfile.read(tmp_path / f'piano_{seed}.wav') for seed in (0, 1)]
  (one, rate), (other, _) = takes
  assert len(one) == len(other) == 7 * rate
  # The same recording, but for its last 20 ms, and two continuations of it.
  border = 4 * rate
  before = slice(border - rate // 50)
  np.testing.assert_array_equal(one[before], other[before])
  assert min(np.abs(take[border:]).max() for take in (one, other)) > 0.01
  assert np.abs(one[border:] - other[border:]).max() > 0.01
  assert len(_shown(notebook, 'image/png')) == 3
  players = _shown(notebook, 'text/html')
  assert len(players) == 2 and all('<audio' in text for text in players)
  assert '4 s at 16000 Hz' in _said(notebook)
  assert 'semantic.shape=(175,) acoustic.shape=(175, 12)' in _said(notebook)


def _outputs(notebook):
  return [
      output for cell in notebook.cells for output in cell.get('outputs', ())
  ]


def _shown(notebook, kind):
  return [
      output.data[kind]
      for output in _outputs(notebook)
      if kind in output.get('data', ())
  ]


def _said(notebook):
  return ''.join(output.get('text', '') for output in _outputs(notebook))
