"""Learning rates that follow the clock, so that they end when the time does."""

import math
import time
from typing import NamedTuple

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PyTree


class Paced(NamedTuple):
  """State of an optimizer whose updates are multiplied by `rate`."""

  rate: Float[Array, '']
  inner: PyTree


class Clock:
  """A clock of the share of time over, from the first step to the end."""

  def __init__(self, seconds: float):
    """Args: `seconds` until the end, compilation included."""
    self._start = time.monotonic()
    self._end = self._start + seconds
    self._begun = None

  @property
  def elapsed(self) -> float:
    """Seconds since it was made."""
    return time.monotonic() - self._start

  @property
  def over(self) -> bool:
    """Whether the end has come."""
    return time.monotonic() >= self._end

  def begin(self) -> None:
    """The programs are compiled: what follows is learning."""
    self._begun = time.monotonic()

  @property
  def share(self) -> float:
    """0 until it begins, 1 at the end."""
    if self._begun is None:
      return 0.0
    whole = max(self._end - self._begun, 1e-9)
    return min((time.monotonic() - self._begun) / whole, 1.0)


def paced(tx: optax.GradientTransformation) -> optax.GradientTransformation:
  """An optimizer that stands still until its state gets a rate."""

  def init(params: PyTree) -> Paced:
    return Paced(jnp.zeros(()), tx.init(params))

  def update(updates: PyTree, state: Paced, params: PyTree = None):
    updates, inner = tx.update(updates, state.inner, params)
    scaled = optax.tree.scale(state.rate, updates)
    return scaled, Paced(state.rate, inner)

  return optax.GradientTransformation(init, update)


def with_rate(state: Paced, rate: float) -> Paced:
  """The state of the optimizer at another rate."""
  return Paced(jnp.float32(rate), state.inner)


def cosine(
    share: float, warmup: float = 0.02, final_fraction: float = 0.02
) -> float:
  """Share of the peak, at a share of the time: up in `warmup`, then down."""
  down = 0.5 * (1 + math.cos(math.pi * share))
  return min(share / warmup, 1.0) * (
      final_fraction + (1 - final_fraction) * down
  )
