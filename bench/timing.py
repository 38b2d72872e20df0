"""How long things take on a machine that others use too."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class Seconds(NamedTuple):
  """Of the fastest of several runs.

  Attributes:
    wall: By the clock; suffers from what else runs here.
    cpu: Of all cores together; suffers less.
  """

  wall: float
  cpu: float


def fastest(run: Callable[[], Any], repeats: int) -> Seconds:
  """Times runs after one that compiles."""
  jax.block_until_ready(run())
  runs = []
  for _ in range(repeats):
    wall, cpu = time.perf_counter(), time.process_time()
    jax.block_until_ready(run())
    runs.append((time.perf_counter() - wall, time.process_time() - cpu))
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


def read_bytes(size: int = 1 << 28) -> float:
  """Bytes per CPU second in the best case: a matrix times a vector."""
  matrix, vector = jnp.ones((size // 4096, 1024)), jnp.ones(1024)
  multiply = jax.jit(jnp.matmul)
  return size / fastest(lambda: multiply(matrix, vector), 5).cpu


def read_bytes_by_the_clock(size: int = 1 << 28) -> float:
  """Bytes per second of all cores together: each looks through a share."""
  num_threads = len(os.sched_getaffinity(0))
  shares = np.split(np.ones(size // 4, np.float32), num_threads)
  with ThreadPoolExecutor(num_threads) as pool:
    return size / fastest(lambda: [*pool.map(np.max, shares)], 9).wall
