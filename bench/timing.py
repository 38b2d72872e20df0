"""Timing on a machine that others use too."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class Seconds(NamedTuple):
  """By two clocks.

  Attributes:
    wall: By the clock; suffers from what else runs here.
    cpu: Seconds of all cores together, which suffer less from others.
  """

  wall: float
  cpu: float


def now() -> Seconds:
  """To be taken off a later one."""
  return Seconds(time.perf_counter(), time.process_time())


def since(start: Seconds, steps: int = 1) -> Seconds:
  """Seconds of a step, where `start` was `now` so many steps ago."""
  end = now()
  return Seconds((end.wall - start.wall) / steps, (end.cpu - start.cpu) / steps)


def fastest(run: Callable[[], Any], repeats: int) -> Seconds:
  """Times runs after one that compiles."""
  jax.block_until_ready(run())
  runs = []
  for _ in range(repeats):
    start = now()
    jax.block_until_ready(run())
    runs.append(since(start))
  return Seconds(*map(min, zip(*runs, strict=True)))


def matmul_flops(size: int = 2048) -> float:
  """float32 operations per CPU second in the best case: a square matmul."""
  return 2 * size**3 / _matmul(size).cpu


def matmul_flops_by_the_clock(size: int = 2048) -> float:
  """float32 operations per second of all cores together."""
  return 2 * size**3 / _matmul(size).wall


def _matmul(size: int) -> Seconds:
  x = jnp.ones((size, size))
  multiply = jax.jit(jnp.matmul)
  return fastest(lambda: multiply(x, x), 5)


def read_byte(size: int = 1 << 28) -> Seconds:
  """Seconds to read a byte at best: each core looks through a share."""
  num_threads = len(os.sched_getaffinity(0))
  shares = np.split(np.ones(size // 4, np.float32), num_threads)
  with ThreadPoolExecutor(num_threads) as pool:
    found = fastest(lambda: [*pool.map(np.max, shares)], 9)
  return Seconds(found.wall / size, found.cpu / size)
