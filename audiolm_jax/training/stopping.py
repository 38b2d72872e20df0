"""Reasons to stop before the last step, the same on all processes."""

import signal
import threading
import time
from types import FrameType

import jax
import numpy as np
from jax.experimental import multihost_utils
from orbax.checkpoint import multihost


class Stopping:
  """Asked after every step; as a context it also listens for SIGTERM.

  Before the first step it waits for that step. With jax.distributed JAX listens
  instead, and tells all processes.
  """

  def __init__(self, time_limit_seconds: float = float('inf')):
    """Args: the limit counts from here on."""
    self._deadline = time.monotonic() + time_limit_seconds
    self._terminated = False
    self._previous = None

  def __enter__(self) -> 'Stopping':
    # Python installs handlers from the main thread only.
    in_main = threading.current_thread() is threading.main_thread()
    if in_main and not jax.distributed.is_initialized():
      self._previous = signal.signal(signal.SIGTERM, self._terminate)
    return self

  def __exit__(self, *exception: object) -> None:
    if self._previous is not None:
      signal.signal(signal.SIGTERM, self._previous)

  def reason(self, step: int) -> str | None:
    """Why the run has to stop after this step; None if it may go on."""
    if self._terminated or multihost.reached_preemption(step):
      return 'SIGTERM'
    if self._is_late():
      return 'the time limit'
    return None

  def _is_late(self) -> bool:
    late = time.monotonic() > self._deadline
    if jax.process_count() == 1 or self._deadline == float('inf'):
      return late
    # Clocks differ, and a process that stops alone leaves the others waiting.
    return bool(multihost_utils.broadcast_one_to_all(np.bool_(late)))

  def _terminate(self, signum: int, frame: FrameType | None) -> None:
    self._terminated = True
