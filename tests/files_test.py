"""Tests audiolm_jax/files.py."""

import os
import pathlib

import pytest

from audiolm_jax import files
from audiolm_jax.errors import UserError


def test_a_file_is_whole_and_alone(tmp_path):
  path = tmp_path / 'a.bin'
  files.write(path, b'one')
  files.write(path, b'another')
  assert path.read_bytes() == b'another'
  assert os.listdir(tmp_path) == ['a.bin']


def test_what_is_there_stays_if_the_disk_fills(tmp_path, monkeypatch):
  path = tmp_path / 'a.bin'
  files.write(path, b'one')

  def fill(self, content):
    self.touch()
    raise OSError(28, 'No space left on device')

  monkeypatch.setattr(pathlib.Path, 'write_bytes', fill)
  with pytest.raises(OSError, match='No space'):
    files.write(path, b'another')
  assert path.read_bytes() == b'one' and os.listdir(tmp_path) == ['a.bin']


def test_writers_of_one_file_do_not_share_what_is_unfinished(tmp_path):
  path = tmp_path / 'a.bin'
  assert files.temporary(path, '1') != files.temporary(path, '2')


@pytest.mark.parametrize('letter', ['x', '\u00e9', '\U0001f3b9'])
def test_the_longest_names_have_unfinished_ones_too(letter, tmp_path):
  name = letter * (255 // len(letter.encode()))
  path = tmp_path / name
  files.write(path, b'long')
  assert path.read_bytes() == b'long'
  other = path.with_name(name[:-1])
  assert files.temporary(path) != files.temporary(other)


def test_a_folder_is_made_and_nothing_is_left_in_it(tmp_path):
  folder = files.writable(str(tmp_path / 'a/b'))
  assert folder.is_dir() and not list(folder.iterdir())


def test_what_is_no_folder_is_one_line(tmp_path):
  (tmp_path / 'file').write_text('')
  with pytest.raises(UserError, match='file.*choose another'):
    files.writable(str(tmp_path / 'file'))
