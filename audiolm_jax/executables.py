"""Functions whose executables may be kept: a second start traces nothing.

JAX's own cache of compiled programs is asked with the program's text, so it has
to be traced and lowered first. That takes a third of a short command.
"""

import functools
import inspect
import itertools
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import PyTree

from audiolm_jax.kept_executables import KeptExecutables

_kept = None


def keep_in(folder: pathlib.Path | None, purpose: str | None = None) -> None:
  """Keeps executables in a folder from now on; None for no more.

  Args:
    folder: The user's own, since what is in it is loaded with pickle. It is
      made when there is something to keep; where it cannot be written that
      costs a warning.
    purpose: Names processes that use much the same executables; those of the
      last one are read ahead.
  """
  global _kept
  _kept = None if folder is None else KeptExecutables(folder, purpose)


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
      static_argnames: Names of the static arguments, for `jax.jit`; the `repr`
        of each has to say what it is.
      donate_argnames: Names of the donated arguments, for `jax.jit`.
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
    # Asked at each call: modules wrap their functions at import, before any
    # command says where to keep what.
    if _kept is None:
      return self.jitted(*args, **named)
    static, traced = self._parted(args, named)
    leaves, tree = jax.tree.flatten(traced)
    device = _device_of(leaves)
    if device is None:
      return self.jitted(*args, **named)
    # An executable is loaded onto one device, and runs there alone.
    key = static, tree, tuple(map(_kind, leaves)), device.id
    if key not in self._loaded:
      lower = functools.partial(self.jitted.lower, *args, **named)
      self._loaded[key] = _kept.load(f'{self._name} {key}', lower, device)
    places, names = traced
    return self._loaded[key](*places, **names)

  def _parted(
      self, args: tuple, named: dict[str, Any]
  ) -> tuple[tuple, tuple[tuple, dict[str, Any]]]:
    """Static arguments, and those that an executable takes."""
    are_static = self._static_places[: len(args)]
    static = tuple(itertools.compress(args, are_static))
    # Sorted, as the order of keywords in a call means nothing.
    static += tuple(named[name] for name in sorted(self._static & named.keys()))
    places = tuple(itertools.compress(args, (not s for s in are_static)))
    names = {n: v for n, v in named.items() if n not in self._static}
    return static, (places, names)

  def lower(self, *args: Any, **named: Any) -> jax.stages.Lowered:
    """Lowers the function, as a jitted function does."""
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
  # NumPy's arrays and plain numbers lie on none; JAX puts them on the first by
  # default.
  return next(iter(devices), jax.local_devices()[0])


def _kind(leaf: Any) -> tuple:
  """Shape and type of an argument; of a plain number, what Python says."""
  # Weak types count: they give way to other operands' types, and so make
  # another program of the same shapes.
  kind = getattr(leaf, 'dtype', type(leaf))
  return np.shape(leaf), str(kind), getattr(leaf, 'weak_type', False)
