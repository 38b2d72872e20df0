"""Debian and npm packages as folders of files; no root, no installation."""

import pathlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from typing import IO

from audiolm_jax import cache
from audiolm_jax.errors import UserError

CACHE = cache.folder() / 'downloads'

_CLIENTS = {
    'apt-get': 'it comes with Debian and Ubuntu',
    'dpkg-deb': 'install the package dpkg',
    'npm': 'install Node.js, for instance with `apt-get install npm`',
}


def debian(name: str, cache: pathlib.Path = CACHE) -> pathlib.Path:
  """Folder with the files of the Debian package `name`, fetched if need be."""
  folder = cache / 'debian' / name
  if not folder.exists():
    _require('apt-get', 'dpkg-deb')
    with _staging(folder) as staging:
      archive = _apt_download(name, staging, cache)
      with subprocess.Popen(
          ['dpkg-deb', '--fsys-tarfile', archive], stdout=subprocess.PIPE
      ) as process:
        unpack(process.stdout, staging / 'files')
  return folder


def npm(name: str, version: str, cache: pathlib.Path = CACHE) -> pathlib.Path:
  """Folder with the files of an npm package, fetched if need be."""
  folder = npm_folder(name, version, cache)
  if not folder.exists():
    _require('npm')
    with _staging(folder) as staging:
      _run(['npm', 'pack', '--silent', f'{name}@{version}'], staging)
      with open(next(staging.glob('*.tgz')), 'rb') as archive:
        unpack(archive, staging / 'files')
  return folder / 'package'


def npm_folder(
    name: str, version: str, cache: pathlib.Path = CACHE
) -> pathlib.Path:
  """Folder that the archive of an npm package is, or will be, unpacked in."""
  return cache / 'npm' / f'{name.replace("/", "-")}-{version}'


def unpack(archive: IO[bytes], folder: pathlib.Path) -> None:
  """Writes the files of a tar stream; links and devices are left out.

  Raises:
    UserError: A file would land outside `folder`; nothing after it is written.
  """
  folder.mkdir(parents=True, exist_ok=True)
  try:
    with tarfile.open(fileobj=archive, mode='r|*') as members:
      for member in members:
        if member.isfile():
          members.extract(member, folder, filter='data')
  except tarfile.TarError as error:
    raise UserError(f'Refused to unpack {folder.parent}: {error}.') from error


class _staging:
  """A folder that takes its final name only when it is complete."""

  def __init__(self, folder: pathlib.Path):
    self._folder = folder

  def __enter__(self) -> pathlib.Path:
    self._folder.parent.mkdir(parents=True, exist_ok=True)
    self._staging = pathlib.Path(tempfile.mkdtemp(dir=self._folder.parent))
    return self._staging

  def __exit__(self, kind, error, traceback) -> None:
    files = self._staging / 'files'
    if kind is None and not self._folder.exists():
      files.rename(self._folder)
    shutil.rmtree(self._staging)


def _apt_download(
    name: str, folder: pathlib.Path, cache: pathlib.Path
) -> pathlib.Path:
  """Falls back to a package index of our own where the machine has none."""
  download = ['apt-get', '--quiet', 'download', name]
  try:
    _run(download, folder)
  except UserError:
    index = cache / 'apt'
    (index / 'lists/partial').mkdir(parents=True, exist_ok=True)
    own = [
        '-o',
        f'Dir::State::lists={index / "lists"}',
        '-o',
        'Debug::NoLocking=1',
    ]
    if not any((index / 'lists').glob('*Packages*')):
      _run(['apt-get', '--quiet', *own, 'update'], folder)
    _run([*download, *own], folder)
  return next(folder.glob('*.deb'))


def _run(command: Sequence[str], folder: pathlib.Path) -> None:
  done = subprocess.run(
      command, cwd=folder, capture_output=True, text=True, check=False
  )
  if done.returncode:
    said = (done.stdout + done.stderr).strip().splitlines() or ['no message']
    errors = [line for line in said if line.startswith(('E:', 'npm error'))]
    raise UserError(f'`{" ".join(command)}` failed: {(errors or said)[-1]}')


def _require(*clients: str) -> None:
  for client in clients:
    if shutil.which(client) is None:
      raise UserError(
          f'{client} is needed and not installed: {_CLIENTS[client]}.'
      )
