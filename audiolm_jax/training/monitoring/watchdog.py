"""Ends a run that waits for what does not come."""

import contextlib
import faulthandler
import logging
import math
import os
import sys
import threading
import time
from collections.abc import Iterator
from typing import NamedTuple, TypeVar

log = logging.getLogger(__name__)

# Launchers take it for a failure and start the run again.
EXIT_CODE = os.EX_SOFTWARE

T = TypeVar('T')
_END = object()


class _Wait(NamedTuple):
  what: str
  deadline: float


class Watchdog:
  """Kills the process if a wait takes too long.

  What blocks in a collective, or in another library's reader, hears neither
  exceptions nor signals; another thread has to see it.
  """

  def __init__(self, seconds: float):
    """Args: the longest wait; inf never ends a run."""
    self._seconds = seconds
    self._wait: _Wait | None = None
    self._closed = threading.Event()

  def __enter__(self) -> 'Watchdog':
    if math.isfinite(self._seconds):
      threading.Thread(target=self._watch, daemon=True).start()
    return self

  def __exit__(self, *exception: object) -> None:
    self._closed.set()

  @contextlib.contextmanager
  def waiting_for(self, what: str) -> Iterator[None]:
    """A context that must end in time; such waits do not nest."""
    self._wait = _Wait(what, time.monotonic() + self._seconds)
    try:
      yield
    finally:
      self._wait = None

  def watched(self, items: Iterator[T], what: str) -> Iterator[T]:
    """The same items, of which none may be long in coming."""
    while True:
      with self.waiting_for(what):
        item = next(items, _END)
      if item is _END:
        return
      yield item

  def _watch(self) -> None:
    while not self._closed.wait(min(self._seconds / 4, 5.0)):
      wait = self._wait
      if wait and time.monotonic() > wait.deadline:
        self._end(wait.what)

  def _end(self, what: str) -> None:
    log.error(
        'Waited %g s for %s; giving up. The checkpoints before are intact:'
        ' start again to go on. (stall_seconds sets the limit.)',
        self._seconds,
        what,
    )
    # Where each thread hangs, for those who look for the reason.
    faulthandler.dump_traceback(sys.stderr, all_threads=True)
    for handler in logging.getLogger().handlers:
      handler.flush()
    os._exit(EXIT_CODE)
