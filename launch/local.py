"""Runs the processes of one run on this machine, and starts them again.

Example:
  python -m launch.local '[["w0", ["audiolm", "train", "--gin_file=..."], {}]]'

The argument is JSON: name, command and environment of each worker, as
launch/xm_train.py describes them. They live and die together, for a process
that starts anew cannot join others that have not.

Exit code: 0, all is done; 2, the user's mistake; 75, stopped by SIGTERM; else
that of the last of too many failures.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence

from launch.workers import Worker

DONE = 0
MISTAKE = 2
# Stopped on purpose, to go on when started again.
STOPPED = os.EX_TEMPFAIL

MAX_FAILURES = 3
_POLL_SECONDS = 0.1


class Group:
  """Processes that live and die together."""

  def __init__(self, workers: Sequence[Worker], grace_seconds: float = 60):
    """Starts them; the grace is what they get to save and stop."""
    self._grace_seconds = grace_seconds
    self._processes = [
        subprocess.Popen(worker.command, env=os.environ | worker.environment)
        for worker in workers
    ]

  def wait(self) -> int:
    """Waits for all; the exit code that decides what comes next."""
    codes = self._codes()
    while None in codes and not any(codes):
      time.sleep(_POLL_SECONDS)
      codes = self._codes()
    # Others end because of the first, so that only its code tells anything.
    ended = [code for code in codes if code]
    self.stop()
    return max(ended, key=_weight, default=DONE)

  def terminate(self) -> None:
    """Asks all to save and stop."""
    for process in self._processes:
      process.terminate()

  def stop(self) -> None:
    """Returns when none is left; SIGTERM and SIGKILL help."""
    # Processes that were stopped together are still saving together.
    self._join(self._grace_seconds)
    self.terminate()
    self._join(self._grace_seconds)
    for process in self._processes:
      process.kill()
      process.wait()

  def _codes(self) -> list[int | None]:
    return [process.poll() for process in self._processes]

  def _join(self, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while None in self._codes() and time.monotonic() < deadline:
      time.sleep(_POLL_SECONDS)


def run(
    runs: Iterable[Sequence[Worker]],
    max_failures: int = MAX_FAILURES,
    grace_seconds: float = 60,
) -> int:
  """Runs one after the other, each until it is done, wrong or has failed.

  Args:
    runs: The processes of each run.
    max_failures: Failures of a run after which it is not started again; being
      stopped is none.
    grace_seconds: Seconds that the others get to end by themselves when one has
      ended, and once more after SIGTERM.

  Returns:
    The exit code, as above; the greatest of several runs.
  """
  worst = DONE
  with _Sigterm() as sigterm:
    for workers in runs:
      code = _run(workers, sigterm, max_failures, grace_seconds)
      if sigterm.came:
        return code and STOPPED
      worst = max(worst, code)
  return worst


def _run(
    workers: Sequence[Worker],
    sigterm: '_Sigterm',
    max_failures: int,
    grace_seconds: float,
) -> int:
  failures = 0
  while True:
    group = Group(workers, grace_seconds)
    sigterm.tell(group.terminate)
    code = group.wait()
    failures += code not in (DONE, MISTAKE, STOPPED)
    if code in (DONE, MISTAKE) or sigterm.came or failures > max_failures:
      # A signal's number, as a shell would tell it.
      return code if code >= 0 else 128 - code
    print(f'Exit code {code}: starting {len(workers)} again.', flush=True)


class _Sigterm:
  """Hands SIGTERM on, and remembers it."""

  def __init__(self):
    self.came = False
    self._listener = lambda: None

  def __enter__(self) -> '_Sigterm':
    self._previous = signal.signal(signal.SIGTERM, self._handle)
    return self

  def __exit__(self, *exception: object) -> None:
    signal.signal(signal.SIGTERM, self._previous)

  def tell(self, listener: Callable[[], None]) -> None:
    """Has the listener called, at once if SIGTERM came already."""
    self._listener = listener
    if self.came:
      listener()

  def _handle(self, *_: object) -> None:
    self.came = True
    self._listener()


def _weight(code: int) -> int:
  """Rank of an exit code: a mistake above a failure, and that above a stop."""
  return {STOPPED: 0, MISTAKE: 2}.get(code, 1)


def main() -> None:
  """Entry point."""
  workers = [Worker(*fields) for fields in json.loads(sys.argv[1])]
  sys.exit(run([workers]))


if __name__ == '__main__':
  main()
