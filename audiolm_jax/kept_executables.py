"""The folder of executables that outlive their process.

An executable is found by what its text is made from: the sources, the settings
and the arguments' shapes. What a process like this one used the last time is
read ahead, while other things are imported and loaded.
"""

import atexit
import contextlib
import functools
import hashlib
import os
import pathlib
import pickle
import platform
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from importlib import metadata

import jax
from absl import logging
from jax.experimental import serialize_executable
from jax.experimental.compilation_cache import compilation_cache

from audiolm_jax import files

# More than the programs of a user's bundles, and than there are purposes; the
# oldest make room.
_MOST_FILES = 200
_MOST_LISTS = 20
_DIGEST_BYTES = hashlib.sha256().digest_size

Lower = Callable[[], jax.stages.Lowered]


class KeptExecutables:
  """Compiles what is not in a folder yet, and loads what is."""

  def __init__(self, folder: pathlib.Path, purpose: str | None = None):
    """Takes a folder, which is made when there is something to keep.

    Args:
      folder: The user's own, since what is in it is loaded with pickle.
      purpose: Names processes that use much the same executables; those of the
        last one are read ahead, in a thread. None reads nothing ahead.
    """
    self._folder = folder
    self._used: dict[tuple[str, int], None] = {}
    self._ahead: dict[tuple[str, int], Future] = {}
    if purpose is not None:
      self._list = folder / f'{_digest(_installation(), purpose)}.used'
      self._read_ahead()

  def load(self, what: str, lower: Lower, device: jax.Device) -> Callable:
    """The executable of what is described so, for a device."""
    digest = _digest(_installation(), _sources(), _settings(), what)
    self._used[digest, device.id] = None
    path = self._path(digest)
    try:
      executable = self._ahead.pop((digest, device.id)).result()
    except (KeyError, CancelledError):  # It was not read ahead.
      executable = _read(path, device)
    if executable is None:
      with _without_cache():
        executable = lower().compile()
      _write(path, executable)
    return executable

  def _path(self, digest: str) -> pathlib.Path:
    return self._folder / f'{digest}.executable'

  def _read_ahead(self) -> None:
    try:
      lines = self._list.read_text().splitlines()
    except OSError:  # The first such process.
      lines = []
    devices = {device.id: device for device in jax.local_devices()}
    for line in lines:
      digest, _, number = line.partition(' ')
      if number.isdecimal() and int(number) in devices:
        self._ahead[digest, int(number)] = Future()
    before = list(self._ahead)
    coming = [
        (self._path(digest), devices[number], self._ahead[digest, number])
        for digest, number in before
    ]
    threading.Thread(target=_read_all, args=(coming,)).start()
    atexit.register(self._remember, before)

  def _remember(self, before: list[tuple[str, int]]) -> None:
    if self._used and sorted(self._used) != sorted(before):
      lines = [f'{digest} {number}\n' for digest, number in self._used]
      with contextlib.suppress(OSError):  # `load` has said why.
        files.write(self._list, ''.join(lines).encode(), str(os.getpid()))
        _make_room(self._folder, '*.used', _MOST_LISTS)


def _read_all(
    coming: list[tuple[pathlib.Path, jax.Device, Future]],
) -> None:
  try:
    for path, device, future in coming:
      # A process that ends does not wait for what it does not need.
      if not threading.main_thread().is_alive():
        return
      future.set_result(_read(path, device))
  finally:
    # Nobody waits for what is not read any more.
    for _, _, future in coming:
      future.cancel()


@contextlib.contextmanager
def _without_cache() -> Iterator[None]:
  """An executable that JAX's own cache returns cannot be written again."""
  was_enabled = jax.config.jax_enable_compilation_cache
  jax.config.update('jax_enable_compilation_cache', False)
  compilation_cache.reset_cache()
  try:
    yield
  finally:
    jax.config.update('jax_enable_compilation_cache', was_enabled)
    compilation_cache.reset_cache()


def _read(path: pathlib.Path, device: jax.Device) -> Callable | None:
  """The executable that was kept; None if there is none that is whole."""
  try:
    content = path.read_bytes()
  except OSError:  # None there, or what stands there is no folder.
    return None
  digest, payload = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
  if hashlib.sha256(payload).digest() != digest:
    return None
  with contextlib.suppress(OSError):  # Only says that it is used.
    os.utime(path)
  try:
    return serialize_executable.deserialize_and_load(
        *pickle.loads(payload), execution_devices=[device]
    )
  except jax.errors.JaxRuntimeError:  # Of a processor that can do more.
    return None


def _write(path: pathlib.Path, executable: jax.stages.Compiled) -> None:
  payload = pickle.dumps(serialize_executable.serialize(executable))
  try:
    # What is loaded from it runs.
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    files.write(path, hashlib.sha256(payload).digest() + payload)
    _make_room(path.parent, '*.executable', _MOST_FILES)
  except OSError as error:
    logging.warning('%s is not kept: %s.', path, error.strerror)


def _make_room(folder: pathlib.Path, pattern: str, most: int) -> None:
  """Removes what was not used for longest: of other versions, most likely."""
  kept = sorted(folder.glob(pattern), key=lambda p: p.stat().st_mtime)
  for path in kept[:-most]:
    path.unlink(missing_ok=True)


def _digest(*parts: str) -> str:
  return hashlib.sha256(' '.join(parts).encode()).hexdigest()


@functools.cache
def _installation() -> str:
  """The versions and the machine: what is of others is not even read."""
  device = jax.devices()[0]
  versions = [metadata.version(name) for name in ('jax', 'jaxlib', 'flax')]
  count = jax.device_count()
  machine = platform.machine(), device.device_kind, count, _processor()
  return f'{versions} {machine}'


@functools.cache
def _sources() -> str:
  sources = hashlib.sha256()
  root = pathlib.Path(__file__).parent
  for path in sorted(root.rglob('*.py')):
    sources.update(f'{path.relative_to(root)}'.encode())
    sources.update(path.read_bytes())
  return sources.hexdigest()


@functools.cache
def _settings() -> str:
  settings = [
      (name, value)
      for name, value in sorted((jax.config.values | os.environ).items())
      if name.startswith(('jax_', 'XLA_')) and '_cache_' not in name
  ]
  return str(settings)


def _processor() -> str:
  """Flags of the processor; its name where there is no /proc/cpuinfo."""
  try:
    lines = pathlib.Path('/proc/cpuinfo').read_text().splitlines()
  except FileNotFoundError:
    return platform.processor()
  return next((line for line in lines if line.startswith('flags')), '')
