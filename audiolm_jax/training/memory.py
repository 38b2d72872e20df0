"""Keeps the memory of one step for the next one, on CPUs."""

import ctypes

# glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -4, -8


def keep_freed_memory() -> bool:
  """Stops glibc from returning freed memory to the kernel; says if it could.

  XLA:CPU allocates a step's temporaries anew every time. Large blocks come from
  mmap by default, and touching their fresh pages is a third of the time of a
  convolutional network's step. Call it before JAX runs anything.
  """
  try:
    mallopt = ctypes.CDLL(None).mallopt
  except (AttributeError, OSError):  # Not glibc.
    return False
  # Other arenas are of 64 MiB at most; what is larger falls back to mmap.
  settings = (
      (_M_ARENA_MAX, 1),
      (_M_MMAP_MAX, 0),
      (_M_TRIM_THRESHOLD, -1),  # Never: a step may free more than an int says.
      (_M_TOP_PAD, 2**26),
  )
  return all([mallopt(name, value) for name, value in settings])
