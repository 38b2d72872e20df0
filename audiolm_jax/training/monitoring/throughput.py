"""Speed of a run, and the time that it waits for data."""

import contextlib
import resource
import time
from collections.abc import Callable, Iterator, Mapping

import jax

from audiolm_jax.training import devices


class Throughput:
  """Counts what happens between two looks at it."""

  def __init__(self, flops: float):
    """Args: operations of one step, on each device."""
    self._flops = flops
    self._peak = devices.peak_flops(jax.devices()[0].device_kind)
    self.restart()

  def restart(self) -> None:
    """Forgets what was counted."""
    self._since = time.monotonic()
    self._steps, self._tokens, self._idle = 0, 0.0, 0.0

  def add(self, metrics: Mapping[str, float]) -> None:
    """Counts a step; the weight of a language model's loss is its tokens."""
    self._steps += 1
    self._tokens += metrics.get('weight', 0.0)

  @contextlib.contextmanager
  def waiting_for_data(self, is_idle: Callable[[], bool]) -> Iterator[None]:
    """Counts the wait, unless devices still have a step to do at its end."""
    start = time.monotonic()
    yield
    if is_idle():
      self._idle += time.monotonic() - start

  def take(self) -> dict[str, float]:
    """Takes what was counted since the last look.

    Returns:
      steps_per_second; tokens_per_second, if the loss is a mean over tokens;
      teraflops, of matrix products and convolutions, of each device; mfu, the
      same as a fraction of the peak, if the device is known (devices.py);
      data_wait, the fraction of time in which devices may have waited for a
      batch; memory_gib, the most that a device had in use, on CPU the process.
    """
    seconds = time.monotonic() - self._since
    speed = self._steps / seconds
    flops = speed * self._flops
    found = {'steps_per_second': speed, 'teraflops': flops / 1e12}
    if self._tokens:
      found['tokens_per_second'] = self._tokens / seconds
    if self._peak:
      found['mfu'] = flops / self._peak
    found |= {'data_wait': self._idle / seconds, 'memory_gib': _peak_gib()}
    self.restart()
    return found


def describe(rates: Mapping[str, float]) -> str:
  """The rates that a reader of the log looks for, on one line."""
  words = [f'{rates["steps_per_second"]:.3g} steps/s']
  if 'tokens_per_second' in rates:
    words.append(f'{rates["tokens_per_second"]:,.0f} tokens/s')
  if 'mfu' in rates:
    words.append(f'MFU {rates["mfu"]:.1%}')
  return '  '.join([*words, f'data wait {rates["data_wait"]:.1%}'])


def _peak_gib() -> float:
  stats = jax.local_devices()[0].memory_stats()
  if stats:
    return stats['peak_bytes_in_use'] / 2**30
  # Kilobytes on Linux, bytes on macOS, where nobody trains for long.
  return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
