"""Cost of a sample alone, and beside others: continuations with a bundle.

  python -m bench.batches --cpu_devices=2

One JSON object a line, medians of rounds, compiled: seconds a sample by the
clock and of all cores, which share of the cores was busy, and which share of
the time went into each Transformer that samples one token after the other.
"""

import collections
import os
import statistics
import time
from typing import Any
from unittest import mock

import jax
from absl import app, flags

from audiolm_jax import audio
from audiolm_jax.cli import compilation, samples
from audiolm_jax.generation.audiolm import AudioLM
from audiolm_jax.lm.sampling import sampler
from bench import models, timing

MODEL = flags.DEFINE_string('model', 'speech', 'Bundle that continues.')
PROMPT = flags.DEFINE_string(
    'prompt',
    'data/prompts/speech_english_synthetic.flac',
    'Recording whose first 3 s are continued.',
)
SECONDS = flags.DEFINE_float('seconds', 7.0, 'Seconds that are added.')
BATCH_SIZES = flags.DEFINE_multi_integer(
    'batch_sizes', [1, 16], 'Numbers of samples that are made at once.'
)
CPU_DEVICES = flags.DEFINE_integer(
    'cpu_devices', 1, 'Number of CPU devices, as in `audiolm generate`.'
)
ROUNDS = flags.DEFINE_integer(
    'rounds', 3, 'Number of rounds that are timed after one that compiles.'
)


def measure(lm: AudioLM, batch_size: int) -> dict[str, Any]:
  """Rounds of a batch, and the stages' share of the last one."""
  prompt = audio.read(PROMPT.value, lm.sample_rate, seconds=3.0)
  spent, draw = collections.Counter(), sampler.sample

  def timed(model: Any, *args: Any) -> Any:
    start = time.perf_counter()
    ids = draw(model, *args)
    spent[model.vocab_size] += time.perf_counter() - start
    return ids

  runs = []
  with mock.patch.object(sampler, 'sample', timed):
    for number in range(ROUNDS.value + 1):
      keys = samples.spread(
          jax.random.split(jax.random.key(number), batch_size)
      )
      spent.clear()
      start = timing.now()
      lm.continuation([prompt] * batch_size, SECONDS.value, keys)
      runs.append(timing.since(start, batch_size))
  wall, cpu = (
      statistics.median(getattr(run, clock) for run in runs[1:])
      for clock in ('wall', 'cpu')
  )
  # Vocabularies grow from stage to stage.
  shares = {
      f'share_of_stage_{place}': spent[size] / batch_size / runs[-1].wall
      for place, size in enumerate(sorted(spent), start=1)
  }
  busy = cpu / wall / len(os.sched_getaffinity(0))
  return {'wall_s': wall, 'cpu_s': cpu, 'cores_busy': busy, **shares}


def main(_: list[str]) -> None:
  """Measures each size of batches."""
  jax.config.update('jax_num_cpu_devices', CPU_DEVICES.value)
  compilation.keep_compiled()
  lm = AudioLM.load(MODEL.value)
  for batch_size in BATCH_SIZES.value:
    where = {'batch_size': batch_size, 'cpu_devices': CPU_DEVICES.value}
    models.print_line(where | measure(lm, batch_size))


if __name__ == '__main__':
  app.run(main)
