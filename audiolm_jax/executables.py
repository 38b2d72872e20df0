"""Executables that outlive their process: a second start traces nothing.

JAX's own cache of compiled programs is asked with the program's text, so it has
to be traced and lowered first. That takes a third of a short command. What is
kept here is found by what the text is made from: the sources, the settings and
the arguments' shapes.
"""

import contextlib
import functools
import hashlib
import inspect
import itertools
import os
import pathlib
import pickle
import platform
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from typing import Any

import jax
import numpy as np
from absl import logging
from jax.experimental import serialize_executable
from jax.experimental.compilation_cache import compilation_cache
from jaxtyping import PyTree

from audiolm_jax import files

# More than the programs of a user's bundles; the oldest make room.
_MOST_FILES = 200
_DIGEST_BYTES = hashlib.sha256().digest_size

_kept = None


def keep_in(folder: pathlib.Path | None) -> None:
  """Keeps executables in a folder from now on; None for no more.

  They are loaded with pickle, so the folder has to be the user's own. It is
  made when there is something to keep; where it cannot be written that costs a
  warning.
  """
  global _kept
  _kept = folder


class Jitted:
  """A function as `jax.jit` has it, whose executables can be kept.

  Where none are kept, inside of another function that is traced, and for arrays
  that are spread over devices, it is the jitted function and nothing else.

  Attributes:
    jitted: The function as `jax.jit` has it.
  """

  def __init__(
      self,
      function: Callable,
      description: str = '',
      static_argnames: Sequence[str] = (),
      donate_argnames: Sequence[str] = (),
  ):
    """Wraps a function.

    Args:
      function: Traced as by `jax.jit`.
      description: Says what it closes over, as far as programs depend on it.
      static_argnames: Of `jax.jit`; what these are, their `repr` has to say.
      donate_argnames: Of `jax.jit`.
    """
    functools.update_wrapper(self, function)
    self.jitted = jax.jit(
        function,
        static_argnames=tuple(static_argnames),
        donate_argnames=tuple(donate_argnames),
    )
    self._name = f'{function.__module__}.{function.__qualname__} {description}'
    names = inspect.signature(function).parameters
    self._static = frozenset(static_argnames)
    self._static_places = [n in self._static for n in names]
    self._loaded = {}

  def __call__(self, *args: Any, **named: Any) -> PyTree:
    """Calls the function."""
    if _kept is None:
      return self.jitted(*args, **named)
    static, traced = self._parted(args, named)
    leaves, tree = jax.tree.flatten(traced)
    device = _device_of(leaves)
    if device is None:
      return self.jitted(*args, **named)
    key = static, tree, tuple(map(_kind, leaves)), device.id
    if key not in self._loaded:
      lower = functools.partial(self.jitted.lower, *args, **named)
      self._loaded[key] = _load(f'{self._name} {key}', lower, device)
    places, names = traced
    return self._loaded[key](*places, **names)

  def _parted(
      self, args: tuple, named: dict[str, Any]
  ) -> tuple[tuple, tuple[tuple, dict[str, Any]]]:
    """Static arguments, and those that an executable takes."""
    are_static = self._static_places[: len(args)]
    static = tuple(itertools.compress(args, are_static))
    static += tuple(named[name] for name in sorted(self._static & named.keys()))
    places = tuple(itertools.compress(args, (not s for s in are_static)))
    names = {n: v for n, v in named.items() if n not in self._static}
    return static, (places, names)

  def lower(self, *args: Any, **named: Any) -> jax.stages.Lowered:
    """As of a jitted function."""
    return self.jitted.lower(*args, **named)


def jit(
    description: str = '', **options: Sequence[str]
) -> Callable[[Callable], Jitted]:
  """A decorator; see Jitted."""
  return lambda function: Jitted(function, description, **options)


def _device_of(leaves: Sequence[Any]) -> jax.Device | None:
  """The device of all arguments; None if they have several, or are traced."""
  devices = set()
  for leaf in leaves:
    if isinstance(leaf, jax.core.Tracer):
      return None
    if isinstance(leaf, jax.Array):
      devices |= leaf.devices()
  if len(devices) > 1:
    return None
  return next(iter(devices), jax.local_devices()[0])


def _load(
    what: str, lower: Callable[[], jax.stages.Lowered], device: jax.Device
) -> Callable:
  digest = hashlib.sha256(f'{_everywhere()} {what}'.encode()).hexdigest()
  path = _kept / f'{digest}.executable'
  executable = _read(path, device)
  if executable is None:
    with _without_cache():
      executable = lower().compile()
    _write(path, executable)
  return executable


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
    _make_room(path.parent)
  except OSError as error:
    logging.warning('%s is not kept: %s.', path, error.strerror)


def _make_room(folder: pathlib.Path) -> None:
  """Removes what was not used for longest: of other versions, most likely."""
  kept = sorted(folder.glob('*.executable'), key=lambda p: p.stat().st_mtime)
  for path in kept[:-_MOST_FILES]:
    path.unlink(missing_ok=True)


def _kind(leaf: Any) -> tuple:
  """Shape and type of an argument; of a plain number, what Python says."""
  kind = getattr(leaf, 'dtype', type(leaf))
  return np.shape(leaf), str(kind), getattr(leaf, 'weak_type', False)


@functools.cache
def _everywhere() -> str:
  """All that programs of this installation on this machine depend on."""
  device = jax.devices()[0]
  sources = hashlib.sha256()
  root = pathlib.Path(__file__).parent
  for path in sorted(root.rglob('*.py')):
    sources.update(f'{path.relative_to(root)}'.encode())
    sources.update(path.read_bytes())
  versions = [metadata.version(name) for name in ('jax', 'jaxlib', 'flax')]
  settings = [
      (name, value)
      for name, value in sorted((jax.config.values | os.environ).items())
      if name.startswith(('jax_', 'XLA_')) and '_cache_' not in name
  ]
  count = jax.device_count()
  machine = platform.machine(), device.device_kind, count, _processor()
  return f'{sources.hexdigest()} {versions} {machine} {settings}'


def _processor() -> str:
  """What the processor can do."""
  try:
    lines = pathlib.Path('/proc/cpuinfo').read_text().splitlines()
  except FileNotFoundError:
    return platform.processor()
  return next((line for line in lines if line.startswith('flags')), '')
