"""Progress of long work: what is done, how fast, and the time left."""

import time

# Seconds between lines within a batch.
_PAUSE = 10.0


class Pace:
  """Prints a line a batch, and more where a batch takes long."""

  def __init__(self, num_samples: int, num_to_make: int):
    """The clock starts now.

    Args:
      num_samples: Number of samples of this host, those already there included.
      num_to_make: Number of them that are not there yet.
    """
    self._total = num_samples
    self._to_make = num_to_make
    self._skipped = self._count = self._made = 0
    self._seconds = 0.0
    self._begin = self._last = self._told = time.monotonic()

  def skip(self, num_samples: int) -> None:
    """Passes over a batch that is there already."""
    self._count += num_samples
    self._skipped += num_samples
    self._last = time.monotonic()

  def within(self, num_made: int, seconds: float, total: float) -> None:
    """A batch goes on.

    Args:
      num_made: Samples of the batch that were not there already.
      seconds: Seconds of audio that each of them has so far.
      total: Seconds of audio that each of them will have at most.
    """
    now = time.monotonic()
    if now - self._told < _PAUSE:
      return
    self._tell_skipped()
    self._told = now
    made = self._made + num_made * seconds / total
    print(
        f'{self._count}/{self._total} samples, {seconds:.1f} of {total:.1f} s'
        f' of the next {num_made}, {self._left(now, made):.0f} s left',
        flush=True,
    )

  def add(self, num_samples: int, num_made: int, seconds: float) -> None:
    """A batch is done.

    Args:
      num_samples: Number of samples of the batch.
      num_made: Number of them that were not there already.
      seconds: Seconds of audio that were generated.
    """
    now = time.monotonic()
    self._tell_skipped()
    self._count += num_samples
    self._made += num_made
    self._seconds += seconds
    elapsed, self._last = now - self._last, now
    self._told = now
    left = self._left(now, self._made)
    print(
        f'{self._count}/{self._total} samples, {elapsed:.1f} s for'
        f' {seconds:.1f} s of audio (real-time factor'
        f' {elapsed / max(seconds, 1e-9):.3f}), {left:.0f} s left',
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

  def _left(self, now: float, made: int | float) -> float:
    """Seconds, if it goes on as it went."""
    return (now - self._begin) * (self._to_make - made) / max(made, 1e-9)

  def _tell_skipped(self) -> None:
    """Prints one line for all batches that were passed over in a row."""
    if self._skipped:
      print(
          f'{self._count}/{self._total} samples: {self._skipped} were there'
          ' already',
          flush=True,
      )
      self._skipped = 0
