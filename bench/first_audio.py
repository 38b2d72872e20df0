"""Delay before a recording goes on, and cost of an endless continuation.

  taskset -c 0 python -m bench.first_audio

Streams from a warm bundle: one JSON object with seconds to the first chunk and
where they go, real-time factors, and the peak memory of a short and of a long
stream, each in a process of its own.
"""

import collections
import contextlib
import functools
import json
import pathlib
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import jax
from absl import app, flags

from audiolm_jax import audio
from audiolm_jax.generation.acoustics import Parallel
from audiolm_jax.generation.audiolm import AudioLM
from audiolm_jax.generation.stage_sampler import StageSampler
from audiolm_jax.tokens.tokenizers.contract import Tokenizers
from audiolm_jax.tokens.tokenizers.stream_decoder import StreamDecoder

MODEL = flags.DEFINE_string('model', 'speech', 'Name or folder of a bundle.')
PROMPT = flags.DEFINE_string(
    'prompt',
    'data/prompts/speech_english_synthetic.flac',
    'Recording that is continued.',
)
PROMPT_SECONDS = flags.DEFINE_float(
    'prompt_seconds', 3.0, 'Seconds of the prompt.'
)
SECONDS = flags.DEFINE_float('seconds', 10.0, 'Seconds of the short stream.')
LONG_SECONDS = flags.DEFINE_float(
    'long_seconds', 60.0, 'Seconds of the long stream.'
)
REPEATS = flags.DEFINE_integer(
    'repeats', 3, 'Number of starts, of which the fastest counts.'
)
PEAK_ONLY = flags.DEFINE_bool(
    'peak_only', False, 'Whether the peak memory alone is measured.'
)

_SAME = 'model', 'prompt', 'prompt_seconds'
# Whose time is told apart; stages by their names.
_PARTS = (
    (Tokenizers, 'encode'),
    (StageSampler, 'fill'),
    (StageSampler, 'fill_chunks'),
    (Parallel, 'fill'),
    (StreamDecoder, 'decode'),
)


def measure() -> dict[str, Any]:
  lm, stream = _start()
  cold = _first(stream)
  list(stream(SECONDS.value))
  with _timed() as parts:
    runs = []
    for _ in range(REPEATS.value):
      parts.clear()
      runs.append(_first(stream) | {'parts': dict(parts)})
  begin, cpu = time.perf_counter(), time.process_time()
  list(stream(SECONDS.value))
  wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
  first = min(runs, key=lambda run: run['cpu_seconds'])
  return {
      'model': MODEL.value,
      'device': jax.devices()[0].platform,
      'compiling_seconds': round(cold['seconds'], 2),
      'first_chunk_seconds': round(min(run['seconds'] for run in runs), 3),
      'first_chunk_cpu_seconds': round(first['cpu_seconds'], 3),
      'first_chunk_audio_seconds': first['num_samples'] / lm.sample_rate,
      'cpu_seconds_of_parts': {
          name: round(s, 3) for name, s in first['parts'].items()
      },
      'real_time_factor': round(wall / SECONDS.value, 3),
      'cpu_seconds_per_second': round(cpu / SECONDS.value, 3),
      'peak_mib': _peak_mib(SECONDS.value),
      'peak_mib_of_a_long_stream': _peak_mib(LONG_SECONDS.value),
  }


def _start():
  lm = AudioLM.load(MODEL.value)
  prompt = audio.read(
      pathlib.Path(PROMPT.value), lm.sample_rate, seconds=PROMPT_SECONDS.value
  )

  def stream(seconds: float):
    return lm.stream_audio(prompt, lm.sample_rate, seconds, jax.random.key(0))

  return lm, stream


def _first(stream) -> dict[str, float]:
  """From the call to the first chunk of an endless stream."""
  begin, cpu = time.perf_counter(), time.process_time()
  chunk = next(stream(float('inf')))
  return {
      'seconds': time.perf_counter() - begin,
      'cpu_seconds': time.process_time() - cpu,
      'num_samples': len(chunk),
  }


@contextlib.contextmanager
def _timed() -> Iterator[dict[str, float]]:
  """Adds up the CPU seconds that each part takes; others use this machine."""
  seconds = collections.defaultdict(float)
  originals = [(owner, name, getattr(owner, name)) for owner, name in _PARTS]

  def timing(owner, name, original):
    @functools.wraps(original)
    def timed(self, *args):
      begin = time.process_time()
      result = original(self, *args)
      part = getattr(getattr(self, 'stage', owner), 'name', owner.__name__)
      seconds[part] += time.process_time() - begin
      return result

    setattr(owner, name, timed)

  for each in originals:
    timing(*each)
  try:
    yield seconds
  finally:
    for each in originals:
      setattr(*each)


def _peak_mib(seconds: float) -> int:
  command = [sys.executable, '-m', 'bench.first_audio', '--peak_only']
  command += [f'--{name}={flags.FLAGS[name].value}' for name in _SAME]
  command += [f'--seconds={seconds}']
  done = subprocess.run(command, check=True, capture_output=True, text=True)
  return int(done.stdout.split()[-1])


def main(argv: list[str]) -> None:
  if PEAK_ONLY.value:
    _, stream = _start()
    for _ in stream(SECONDS.value):
      pass
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
    return
  print(json.dumps(measure()))


if __name__ == '__main__':
  app.run(main)
