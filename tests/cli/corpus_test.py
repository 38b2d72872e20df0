"""Tests that `audiolm corpus` finds every adapter."""

import importlib
import pathlib
import sys

import pytest

from audiolm_jax import adapters
from audiolm_jax.cli import corpus, main
from audiolm_jax.corpus import read_manifest

ROOT = pathlib.Path(__file__).parents[2]


def test_every_adapter_has_a_name_and_a_line_of_help():
  folder = pathlib.Path(adapters.__file__).parent
  modules = {path.stem for path in folder.glob('*.py')}
  adapters_there = {
      name
      for name in modules - {'__init__'}
      if hasattr(importlib.import_module(f'audiolm_jax.adapters.{name}'), 'run')
  }
  assert set(corpus.MODULES.values()) == adapters_there
  for name in corpus.MODULES:
    assert f'\n  audiolm corpus {name} ' in corpus.__doc__


def test_a_folder_becomes_a_manifest(tmp_path, monkeypatch):
  manifest = tmp_path / 'mine.jsonl'
  prompts = str(ROOT / 'data/prompts')
  monkeypatch.setattr(
      sys, 'argv', ['audiolm', 'corpus', 'folder', prompts, str(manifest)]
  )
  with pytest.raises(SystemExit) as ended:
    main.run()
  assert not ended.value.code
  paths = {
      pathlib.Path(clip.path).resolve() for clip in read_manifest(manifest)
  }
  assert paths == set((ROOT / 'data/prompts').glob('*.flac'))


@pytest.mark.parametrize('words', [[], ['libri']])
def test_what_is_no_adapter_is_one_line(words, monkeypatch, capsys):
  monkeypatch.setattr(sys, 'argv', ['audiolm', 'corpus', *words])
  with pytest.raises(SystemExit) as ended:
    main.run()
  assert ended.value.code == 2
  (line,) = capsys.readouterr().err.splitlines()
  assert all(name in line for name in corpus.MODULES)


def test_help_names_the_adapters(monkeypatch, capsys):
  monkeypatch.setattr(sys, 'argv', ['audiolm', 'corpus', '--help'])
  main.run()
  assert 'audiolm corpus maestro' in capsys.readouterr().out
