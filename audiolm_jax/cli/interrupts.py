"""Ctrl-C ends a verb in one line and with exit code 130.

Python raises KeyboardInterrupt wherever it happens to be: inside of callbacks
that swallow it, or while threads are waited for that never end. So the process
ends after some seconds whatever becomes of the exception, and at once when
Ctrl-C comes again. Files are written under other names and moved when they are
whole, so that nothing is left half-written.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

# Exit code that shells report of a process that SIGINT ended.
EXIT_CODE = 128 + signal.SIGINT

_GRACE_SECONDS = 10.0


@contextlib.contextmanager
def in_one_line() -> Iterator[None]:
  """Turns Ctrl-C into a line and SystemExit, in the main thread."""
  if threading.current_thread() is not threading.main_thread():
    yield
    return
  previous = signal.signal(signal.SIGINT, _interrupt)
  try:
    yield
  except KeyboardInterrupt:
    _say()
    sys.exit(EXIT_CODE)
  finally:
    signal.signal(signal.SIGINT, previous)


def _interrupt(signum: int, frame: FrameType | None) -> None:
  del signum, frame
  # The next one is the system's: it ends the process where it stands.
  signal.signal(signal.SIGINT, signal.SIG_DFL)
  late = threading.Timer(_GRACE_SECONDS, _leave)
  late.daemon = True
  late.start()
  raise KeyboardInterrupt


def _leave() -> None:
  _say()
  os._exit(EXIT_CODE)


def _say() -> None:
  print('Interrupted.', file=sys.stderr, flush=True)
