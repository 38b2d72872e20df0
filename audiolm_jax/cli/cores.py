"""CPU cores as devices, which share the rows of a batch.

The products of a few rows are too small for XLA:CPU to cut them up; whole rows
keep all cores busy. Each device has a copy of the stages' weights.
"""

import os

import jax

# Copies of the weights; a large model shall not fill the memory.
_MOST = 4


def deal_out(num_devices: int | None) -> None:
  """Makes so many devices of the CPU, before anything is computed.

  Args:
    num_devices: Number of devices; None makes as many as there are cores, in
      powers of two, which batches come out even with; at most 4. A number in
      XLA_FLAGS stands.
  """
  if 'xla_force_host_platform_device_count' in os.environ.get('XLA_FLAGS', ''):
    return
  jax.config.update('jax_num_cpu_devices', num_devices or devices_for(_cores()))


def devices_for(num_cores: int) -> int:
  """The largest power of two that is not more."""
  return min(1 << (num_cores.bit_length() - 1), _MOST)


def _cores() -> int:
  if hasattr(os, 'sched_getaffinity'):  # Not on macOS.
    return len(os.sched_getaffinity(0))
  return os.cpu_count() or 1
