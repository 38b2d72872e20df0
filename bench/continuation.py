"""Costs of `audiolm generate`: start, compilation, speed and memory."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from audiolm_jax.errors import UserError
from bench import timing

_PROMPT_SECONDS, _NEW_SECONDS, _SAMPLES = 3, 7, 4


class Run(NamedTuple):
  """One run of the command.

  Attributes:
    seconds: From its start to its end.
    memory_gib: The most it had in use.
  """

  seconds: timing.Seconds
  memory_gib: float


def measure(model: str, prompt: str) -> Iterator[dict[str, Any]]:
  """A first start with nothing compiled, a second, and one of more samples."""
  with tempfile.TemporaryDirectory() as cache:
    first, second, more = (
        _run(model, prompt, cache, num_samples)
        for num_samples in (1, 1, _SAMPLES)
    )
  for clock in timing.Seconds._fields:
    cold, warm, longer = (
        getattr(run.seconds, clock) for run in (first, second, more)
    )
    # One by one, so that all are of one compiled size.
    sample = (longer - warm) / (_SAMPLES - 1)
    yield {
        'model': model,
        'clock': clock,
        'prompt_seconds': _PROMPT_SECONDS,
        'continuation_seconds': _NEW_SECONDS,
        'took_seconds': sample,
        'real_time_factor': sample / (_PROMPT_SECONDS + _NEW_SECONDS),
        'first_start_seconds': cold,
        'second_start_seconds': warm,
        'start_seconds': warm - sample,
        'compile_seconds': cold - warm,
        'memory_gib': max(run.memory_gib for run in (first, second, more)),
    }


def _run(model: str, prompt: str, cache: str, num_samples: int) -> Run:
  with tempfile.TemporaryDirectory() as folder:
    command = [
        *(sys.executable, '-m', 'audiolm_jax.cli.main', 'generate', prompt),
        *(f'--model={model}', f'--output_dir={folder}', '--batch_size=1'),
        f'--samples_per_prompt={num_samples}',
        f'--prompt_seconds={_PROMPT_SECONDS}',
        f'--continuation_seconds={_NEW_SECONDS}',
    ]
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        env=os.environ | {'XDG_CACHE_HOME': cache},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
  if process.returncode:
    raise UserError(f'This failed, try it alone: {" ".join(command)}')
  seconds = timing.Seconds(wall, used.ru_utime + used.ru_stime)
  return Run(seconds, used.ru_maxrss / 2**20)
