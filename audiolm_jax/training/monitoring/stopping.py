"""Reasons to stop before the last step, the same on all processes."""

import signal
import sys
import threading
import time
from types import FrameType
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from orbax.checkpoint import multihost

_NAMES = {signal.SIGTERM: 'SIGTERM', signal.SIGINT: 'Ctrl-C'}


class Stopping:
  """Asked after every step; as a context it also listens for signals.

  SIGTERM and Ctrl-C wait for the step they came in, so that the run can be
  saved. Ctrl-C is KeyboardInterrupt again when the context ends, and the second
  one ends the process at once. With jax.distributed JAX listens for SIGTERM
  instead, and tells all processes.
  """

  def __init__(self, time_limit_seconds: float = float('inf')):
    """Args: the limit counts from here on."""
    self._deadline = time.monotonic() + time_limit_seconds
    self._received: int | None = None
    self._previous: dict[int, Any] = {}

  def __enter__(self) -> 'Stopping':
    # Python installs handlers from the main thread only.
    in_main = threading.current_thread() is threading.main_thread()
    if in_main and not jax.distributed.is_initialized():
      for signum in _NAMES:
        self._previous[signum] = signal.signal(signum, self._receive)
    return self

  def __exit__(self, *exception: object) -> None:
    for signum, handler in self._previous.items():
      signal.signal(signum, handler)
    if self._received == signal.SIGINT and exception == (None, None, None):
      raise KeyboardInterrupt

  def reason(self, step: int) -> str | None:
    """Returns why the run has to stop after this step; None if it may go on."""
    if self._received is not None:
      return _NAMES[self._received]
    if multihost.reached_preemption(step):
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

  def _receive(self, signum: int, frame: FrameType | None) -> None:
    del frame
    self._received = signum
    if signum == signal.SIGINT:
      signal.signal(signum, signal.SIG_DFL)
      print(
          'Saving after this step. Ctrl-C again ends at once.',
          file=sys.stderr,
          flush=True,
      )
