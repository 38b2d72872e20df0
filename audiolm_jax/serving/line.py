"""The line in front of the model: first come, first served."""

import collections
import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from audiolm_jax.errors import UserError

# How often one who waits looks up.
POLL_SECONDS = 0.2


class Line:
  """A line in front of one counter.

  It knows neither threads nor event loops: whoever holds a place asks now and
  then whether it is the first one, and leaves when the block is left, be it
  because all is done or because a window was closed.
  """

  def __init__(self, longest: int = 16):
    """Opens the counter; `longest` may stand there, the one served included."""
    self._longest = longest
    self._lock = threading.Lock()
    self._places: collections.deque[object] = collections.deque()

  def __len__(self) -> int:
    """The number of places taken, the one that is served included."""
    return len(self._places)

  def check(self) -> None:
    """Refuses who would be one too many.

    Raises:
      UserError: The line is full.
    """
    if len(self) >= self._longest:
      raise UserError(f'{len(self)} are waiting already; try again later.')

  @contextlib.contextmanager
  def place(self) -> Iterator[Callable[[], bool]]:
    """Joins the line, and leaves it with the block.

    Yields:
      A function that tells whether it is one's turn.

    Raises:
      UserError: The line is full.
    """
    mine = object()
    with self._lock:
      self.check()
      self._places.append(mine)
    try:
      yield lambda: self._places[0] is mine
    finally:
      with self._lock:
        self._places.remove(mine)


def until(is_first: Callable[[], bool]) -> Iterator[None]:
  """Waits in a thread of one's own, and yields now and then until it is time.

  Between two looks its owner can be told that nobody waits for it any more.
  """
  while not is_first():
    time.sleep(POLL_SECONDS)
    yield
