"""What `audiolm generate` costs: start, compilation, speed and memory."""

import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any, NamedTuple

from audiolm_jax.errors import UserError

_PROMPT_SECONDS, _NEW_SECONDS = 3, 7


class Run(NamedTuple):
  """Of the command, samples one after another.

  Attributes:
    start: Seconds until the models are loaded and the prompt is read.
    samples: Seconds of each; the first waits for compilers.
  """

  start: float
  samples: list[float]


def measure(model: str, prompt: str) -> dict[str, Any]:
  """A first start with nothing compiled, and a second one."""
  with tempfile.TemporaryDirectory() as cache:
    first, second = (_run(model, prompt, cache) for _ in range(2))
  warm = statistics.median(first.samples[1:] + second.samples[1:])
  children = resource.getrusage(resource.RUSAGE_CHILDREN)
  return {
      'model': model,
      'seconds_of_prompt': _PROMPT_SECONDS,
      'seconds_of_continuation': _NEW_SECONDS,
      'took_seconds': warm,
      'real_time_factor': warm / (_PROMPT_SECONDS + _NEW_SECONDS),
      'peak_memory_gib': children.ru_maxrss / 2**20,
      'start_seconds': first.start,
      'compile_seconds': first.samples[0] - warm,
      'second_start_seconds': second.start,
      'second_compile_seconds': second.samples[0] - warm,
  }


def _run(model: str, prompt: str, cache: str, num_samples: int = 4) -> Run:
  with tempfile.TemporaryDirectory() as folder:
    command = [
        *(sys.executable, '-m', 'audiolm_jax.cli.main', 'generate', prompt),
        *(f'--model={model}', f'--output_dir={folder}', '--batch_size=1'),
        f'--samples_per_prompt={num_samples}',
        f'--prompt_seconds={_PROMPT_SECONDS}',
        f'--continuation_seconds={_NEW_SECONDS}',
    ]
    begin = time.perf_counter()
    with subprocess.Popen(
        command,
        env=os.environ | {'XDG_CACHE_HOME': cache},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
      process.stdout.readline()  # It says what it is about to do.
      start = time.perf_counter() - begin
      process.stdout.read()
    if process.returncode:
      raise UserError(f'This failed, try it alone: {" ".join(command)}')
    lines = (pathlib.Path(folder) / 'manifest.jsonl').read_text().splitlines()
    files = map(json.loads, lines)
    return Run(
        start, [file['real_time_factor'] * file['seconds'] for file in files]
    )
