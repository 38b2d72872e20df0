"""Tests data/shipped/fetch.py."""

import io
import os
import pathlib
import subprocess
import sys
import tarfile

import pytest

from audiolm_jax.errors import UserError
from data.shipped import fetch

ROOT = pathlib.Path(__file__).parents[2]


def archive(*members, link=None) -> io.BytesIO:
  """A tar of named members, each holding its own name."""
  buffer = io.BytesIO()
  with tarfile.open(fileobj=buffer, mode='w:gz') as tar:
    for name in members:
      info = tarfile.TarInfo(name)
      info.size = len(name)
      tar.addfile(info, io.BytesIO(name.encode()))
    if link is not None:
      info = tarfile.TarInfo('link')
      info.type, info.linkname = tarfile.SYMTYPE, link
      tar.addfile(info)
  buffer.seek(0)
  return buffer


def files_below(folder):
  return sorted(
      path.relative_to(folder).as_posix()
      for path in folder.rglob('*')
      if path.is_file() or path.is_symlink()
  )


def test_files_keep_their_places(tmp_path):
  fetch.unpack(archive('a/b.txt', 'c.txt'), tmp_path / 'x')
  assert files_below(tmp_path) == ['x/a/b.txt', 'x/c.txt']


@pytest.mark.parametrize('name', ['../evil', 'a/../../evil'])
def test_archive_that_climbs_out_is_refused(tmp_path, name):
  with pytest.raises(UserError, match='evil'):
    fetch.unpack(archive(name, 'after'), tmp_path / 'x')
  assert files_below(tmp_path) == []


def test_absolute_path_lands_inside(tmp_path):
  target = tmp_path / 'outside'
  fetch.unpack(archive(str(target)), tmp_path / 'x')
  assert not target.exists()


def test_links_are_left_out(tmp_path):
  fetch.unpack(archive('a', link='/etc/passwd'), tmp_path / 'x')
  assert files_below(tmp_path) == ['x/a']


def test_damaged_archive_is_one_line(tmp_path):
  with pytest.raises(UserError) as caught:
    fetch.unpack(io.BytesIO(b'not a tar at all' * 100), tmp_path / 'x')
  assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    ('get', 'client'),
    [
        (lambda cache: fetch.debian('hello', cache), 'apt-get'),
        (lambda cache: fetch.npm('hello', '1.0.0', cache), 'npm'),
    ],
)
def test_missing_client_is_named(tmp_path, monkeypatch, get, client):
  monkeypatch.setenv('PATH', str(tmp_path))
  with pytest.raises(UserError, match=f'{client} .*not installed'):
    get(tmp_path)


def test_missing_client_exits_with_two(tmp_path):
  done = subprocess.run(
      [sys.executable, '-m', 'data.shipped.tiny', str(tmp_path / 'out')],
      cwd=ROOT,
      env={
          **os.environ,
          'PATH': str(tmp_path),
          'XDG_CACHE_HOME': str(tmp_path),
      },
      capture_output=True,
      text=True,
      check=False,
  )
  assert done.returncode == 2
  assert done.stderr.startswith('Error: apt-get is needed')
  assert len(done.stderr.splitlines()) == 1


def fake_client(folder, name, script):
  path = folder / name
  path.write_text(f'#!/bin/sh\n{script}\n')
  path.chmod(0o755)


def test_package_is_fetched_once(tmp_path, monkeypatch):
  clients = tmp_path / 'clients'
  clients.mkdir()
  (tmp_path / 'p.tgz').write_bytes(archive('package/readme').read())
  fake_client(
      clients, 'npm', f'echo $3 >> {tmp_path}/calls; cp {tmp_path}/p.tgz .'
  )
  monkeypatch.setenv('PATH', f'{clients}:{os.environ["PATH"]}')
  first = fetch.npm('@who/what', '1.2.3', tmp_path)
  second = fetch.npm('@who/what', '1.2.3', tmp_path)
  assert first == second and (first / 'readme').exists()
  assert (tmp_path / 'calls').read_text() == '@who/what@1.2.3\n'


def test_failed_fetch_leaves_nothing_and_says_why(tmp_path, monkeypatch):
  clients = tmp_path / 'clients'
  clients.mkdir()
  fake_client(clients, 'npm', 'echo npm error: no such version >&2; exit 1')
  monkeypatch.setenv('PATH', f'{clients}:{os.environ["PATH"]}')
  with pytest.raises(UserError, match='no such version'):
    fetch.npm('what', '9.9.9', tmp_path / 'cache')
  assert list((tmp_path / 'cache/npm').iterdir()) == []


def test_debian_falls_back_to_an_index_of_its_own(tmp_path, monkeypatch):
  """A fresh machine has no package lists, and its user may not be root."""
  clients = tmp_path / 'clients'
  clients.mkdir()
  (tmp_path / 'p.tar').write_bytes(archive('usr/share/sound').read())
  fake_client(
      clients,
      'apt-get',
      'case "$*" in\n'
      '  *update) exit 0;;\n'
      '  *Dir::State::lists*) touch hello_1.deb;;\n'
      '  *) echo E: Unable to locate package >&2; exit 100;;\n'
      'esac',
  )
  fake_client(clients, 'dpkg-deb', f'cat {tmp_path}/p.tar')
  monkeypatch.setenv('PATH', f'{clients}:{os.environ["PATH"]}')
  assert (fetch.debian('hello', tmp_path / 'c') / 'usr/share/sound').exists()
