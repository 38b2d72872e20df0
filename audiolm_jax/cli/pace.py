"""How far long work has come, how fast it is, how long it still takes."""

import time


class Pace:
  """Prints a line a batch."""

  def __init__(self, num_samples: int, num_to_make: int):
    """The clock starts now.

    Args:
      num_samples: All of this host, those that are there already included.
      num_to_make: Those that are not.
    """
    self._total = num_samples
    self._to_make = num_to_make
    self._skipped = self._count = self._made = 0
    self._seconds = 0.0
    self._begin = self._last = time.monotonic()

  def skip(self, num_samples: int) -> None:
    """Passes over a batch that is there already."""
    self._count += num_samples
    self._skipped += num_samples
    self._last = time.monotonic()

  def add(self, num_samples: int, num_made: int, seconds: float) -> None:
    """A batch is done.

    Args:
      num_samples: Of the batch.
      num_made: Those that were not there already.
      seconds: Of audio that were generated.
    """
    now = time.monotonic()
    self._tell_skipped()
    self._count += num_samples
    self._made += num_made
    self._seconds += seconds
    elapsed, self._last = now - self._last, now
    left = self._to_make - self._made
    left_seconds = (now - self._begin) * left / max(self._made, 1)
    print(
        f'{self._count}/{self._total} samples, {elapsed:.1f} s for'
        f' {seconds:.1f} s of audio (real-time factor'
        f' {elapsed / max(seconds, 1e-9):.3f}), {left_seconds:.0f} s left',
        flush=True,
    )

  def finish(self) -> None:
    """Prints how fast all of it was."""
    self._tell_skipped()
    if self._made:
      elapsed = self._last - self._begin
      print(
          f'Made {self._made}: {self._seconds:.1f} s of audio in'
          f' {elapsed:.1f} s (real-time factor'
          f' {elapsed / max(self._seconds, 1e-9):.3f})',
          flush=True,
      )

  def _tell_skipped(self) -> None:
    """Prints one line for all batches that were passed over in a row."""
    if self._skipped:
      print(
          f'{self._count}/{self._total} samples: {self._skipped} were there'
          ' already',
          flush=True,
      )
      self._skipped = 0
