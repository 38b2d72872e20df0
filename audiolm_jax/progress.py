"""Progress of long work: a bar on a terminal, a line now and then elsewhere."""

import datetime
import logging
import sys
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_LINES = 10.0
_LOGGER_OF_ABSL = 'absl'

Item = TypeVar('Item')


def follow(items: Sequence[Item], what: str) -> Iterator[Item]:
  """Yields items, and says how many of them are done."""
  with Reporter(what, len(items)) as reporter:
    for done, item in enumerate(items, start=1):
      yield item
      reporter.at(done)


class Reporter:
  """Says how much of some work is done, how fast it is and what is left.

  It works within its `with` block. Log lines stand above the bar; there is no
  second bar within the block of another reporter.
  """

  def __init__(
      self,
      what: str,
      total: int | float,
      unit: str = '',
      done: int | float = 0,
      has_lines: bool = True,
  ):
    """Nothing is said yet.

    Args:
      what: Names the work.
      total: All of it, in any unit.
      unit: The unit's name, such as clips.
      done: Amount that was done before, which tells nothing about the speed.
      has_lines: Whether it logs lines where no bar is seen.
    """
    self._what, self._total, self._unit = what, total, unit
    self._first = self._done = done
    self._has_lines = has_lines
    self._begin = self._said = time.monotonic()
    self._is_seen = sys.stderr.isatty()
    self._bar: _Bar | None = None

  def __enter__(self) -> 'Reporter':
    if self._is_seen and not _Bar.is_shown:
      self._bar = _Bar(self._what, self._total, self._done)
      self._bar.start()
    return self

  def __exit__(self, *_) -> None:
    if self._bar:
      self._bar.stop()

  def at(self, done: int | float, note: str = '') -> None:
    """Takes how much is done by now, and what else is to be said."""
    now, self._done = time.monotonic(), done
    if self._bar:
      self._bar.at(done, f'{self._speed(now)} {note}'.strip())
    is_time = now - self._said >= _SECONDS_BETWEEN_LINES
    has_lines = self._has_lines and not self._is_seen
    if has_lines and is_time and done < self._total:
      self._said = now
      log.info('%s', self._line(now, note))

  def _line(self, now: float, note: str) -> str:
    left = (self._total - self._done) / max(self._rate(now), 1e-9)
    done = f'{self._done:.9g}/{self._total:.9g} {self._unit}'.strip()
    parts = (
        f'{self._what}: {done}',
        self._speed(now),
        note,
        f'{datetime.timedelta(seconds=round(left))} left',
    )
    return ', '.join(filter(None, parts))

  def _speed(self, now: float) -> str:
    if not self._unit:
      return ''
    return f'{self._rate(now):.3g} {self._unit}/s'

  def _rate(self, now: float) -> float:
    return (self._done - self._first) / max(now - self._begin, 1e-9)


class _Bar:
  """Rich's bar on stderr, of which there is one at a time."""

  is_shown = False

  def __init__(self, what: str, total: int | float, done: int | float):
    # Half of its 0.1 s would be paid by every --help.
    from rich import console, progress

    self._progress = progress.Progress(
        progress.TextColumn('{task.description}'),
        progress.BarColumn(),
        progress.TextColumn('{task.completed:.9g}/{task.total:.9g}'),
        progress.TimeRemainingColumn(),
        progress.TextColumn('{task.fields[note]}'),
        console=console.Console(stderr=True),
    )
    self._task = self._progress.add_task(
        what, total=total, completed=done, note=''
    )
    self._streams = []

  def start(self) -> None:
    _Bar.is_shown = True
    self._progress.start()
    # Rich has put a stream of its own in the place of stderr.
    for handler in _stream_handlers():
      self._streams.append((handler, handler.setStream(sys.stderr)))

  def stop(self) -> None:
    for handler, stream in self._streams:
      if stream is not None:
        handler.setStream(stream)
    self._streams.clear()
    self._progress.stop()
    _Bar.is_shown = False

  def at(self, done: int | float, note: str) -> None:
    self._progress.update(self._task, completed=done, note=note)


def _stream_handlers() -> list[logging.StreamHandler]:
  """Handlers of the root and absl's loggers that write to stderr."""
  found = []
  for logger in (logging.getLogger(), logging.getLogger(_LOGGER_OF_ABSL)):
    for handler in logger.handlers:
      # absl's own handler holds the one that writes.
      handler = getattr(handler, 'python_handler', handler)
      if getattr(handler, 'stream', None) is sys.__stderr__:
        found.append(handler)
  return found
