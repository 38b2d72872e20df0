"""Speed of a SoundStream training step, as JSON.

Audio seconds trained per second, without and with discriminators, beside what
the step's floating-point operations would allow at the rate of a large matrix
product on the same machine. One core:

  taskset -c 0 python -m bench.soundstream_step --encoder_channels=8

Rates are per second of CPU time, of all cores together, and `wall` by the
clock; other work on the machine slows the second more than the first.
"""

import json
import os
import time
from typing import Any

import jax
import jax.numpy as jnp
from absl import app, flags

from audiolm_jax.soundstream.adversary import Adversary
from audiolm_jax.soundstream.discriminators import Discriminators
from audiolm_jax.soundstream.model import SoundStream
from audiolm_jax.soundstream.train_step import SoundStreamTrainStep
from audiolm_jax.training import memory, optimizers
from bench import timing

_ENCODER = flags.DEFINE_integer(
    'encoder_channels', 8, 'Number of channels of the first encoder layer.'
)
_DECODER = flags.DEFINE_integer(
    'decoder_channels', 16, 'Number of channels of the last decoder layer.'
)
_EMBEDDING = flags.DEFINE_integer('embedding_dim', 128, 'Width of the latents.')
_LEVELS = flags.DEFINE_integer(
    'num_quantizers', 12, 'Number of quantizer levels.'
)
_CODES = flags.DEFINE_integer(
    'codebook_size', 256, 'Number of codes of a level.'
)
_WAVE = flags.DEFINE_integer(
    'wave_channels', 4, 'Channels of the waveform discriminators.'
)
_MAX_WAVE = flags.DEFINE_integer(
    'max_wave_channels',
    64,
    "Most channels of the waveform discriminators' layers.",
)
_STFT = flags.DEFINE_integer(
    'stft_channels', 4, 'Channels of the STFT discriminator.'
)
_BATCH = flags.DEFINE_integer('batch_size', 8, 'Number of crops in a step.')
_SECONDS = flags.DEFINE_float('seconds', 0.5, 'Length of a crop.')
_STEPS = flags.DEFINE_integer(
    'steps', 10, 'Number of steps that are timed, of which the fastest counts.'
)
_KEEP = flags.DEFINE_bool(
    'keep_memory',
    True,
    'Whether freed memory is kept, as `audiolm train` does.',
)


def measure(train_step: SoundStreamTrainStep, peak: float) -> dict[str, Any]:
  """Times steps after the first, which makes the codebooks."""
  num_samples = int(_SECONDS.value * train_step.model.sample_rate)
  shape = (_BATCH.value, num_samples)
  batch = {
      'waveform': 0.1 * jax.random.normal(jax.random.key(0), shape),
      'length': jnp.full(shape[0], num_samples),
  }
  key = jax.random.key(1)
  state = jax.jit(train_step.init)(key, batch)
  lowered = jax.jit(train_step.step).lower(state, batch, key)
  flops = lowered.cost_analysis()['flops']
  start = time.perf_counter()
  step = lowered.compile()
  compile_seconds = time.perf_counter() - start
  state, _ = step(state, batch, key)
  seconds = timing.fastest(lambda: step(state, batch, key), _STEPS.value)
  audio = _BATCH.value * _SECONDS.value
  return {
      'compile_seconds': compile_seconds,
      'step_seconds': seconds._asdict(),
      'audio_seconds_per_second': {
          'wall': audio / seconds.wall,
          'cpu': audio / seconds.cpu,
      },
      'gflop_per_step': flops / 1e9,
      'flop_bound_audio_seconds_per_cpu_second': audio * peak / flops,
  }


def main(argv):
  del argv
  if _KEEP.value:
    memory.keep_freed_memory()
  model = SoundStream(
      _ENCODER.value,
      _DECODER.value,
      embedding_dim=_EMBEDDING.value,
      num_quantizers=_LEVELS.value,
      codebook_size=_CODES.value,
  )
  discriminators = Discriminators(_WAVE.value, _MAX_WAVE.value, _STFT.value)
  tx = optimizers.adam(3e-4, b1=0.5, b2=0.9)
  peak = timing.matmul_flops()
  alone = SoundStreamTrainStep(model, tx)
  against = SoundStreamTrainStep(model, tx, Adversary(discriminators, tx))
  result = {
      'device': jax.devices()[0].device_kind,
      'cores': len(os.sched_getaffinity(0)),
      'matmul_gflops_per_cpu_second': peak / 1e9,
      'codec': measure(alone, peak),
      'codec_and_discriminators': measure(against, peak),
  }
  print(json.dumps(result, indent=2))


if __name__ == '__main__':
  app.run(main)
