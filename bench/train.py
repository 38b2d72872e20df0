"""Training speed of the stages, on a token store, beside audiolm-pytorch.

  taskset -c 0,1 python -m bench.train --peer  # needs audiolm-pytorch

One JSON object a line: tokens a second (places of the sequences, prefix
included), the operations as a fraction of what the devices could do, and the
time they may have waited for data. Tokens are random, which changes no speed;
they are written to a store and read from it as in any training run. The
numbers are medians of rounds; with --peer, both take turns.
"""

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from absl import app, flags

from audiolm_jax.errors import UserError
from audiolm_jax.lm.language_model import LanguageModelTrainStep
from audiolm_jax.lm.transformer import Transformer
from audiolm_jax.tokens import stages, tasks
from audiolm_jax.training import devices, memory, optimizers
from audiolm_jax.training.partitioning import default_partitioner
from audiolm_jax.training.progress import Progress
from audiolm_jax.training.summaries import Silent
from audiolm_jax.training.throughput import Throughput
from bench import timing, token_store
from bench.token_store import SIZES

STAGES = flags.DEFINE_multi_enum(
    'stage', ['coarse'], ['semantic', 'coarse', 'fine'], 'May be repeated.'
)
CROP_SECONDS = flags.DEFINE_float('crop_seconds', 4.48, 'Of a sequence.')
BATCH_SIZE = flags.DEFINE_integer('batch_size', 4, 'Sequences a step.')
NUM_LAYERS = flags.DEFINE_integer('num_layers', 6, 'Depth.')
EMBED_DIM = flags.DEFINE_integer('embed_dim', 512, 'Width.')
NUM_HEADS = flags.DEFINE_integer('num_heads', 8, 'Of 64 each.')
MLP_DIM = flags.DEFINE_integer(
    'mlp_dim', None, "Of our MLP; as wide as audiolm-pytorch's if not given."
)
BFLOAT16 = flags.DEFINE_bool('bfloat16', False, 'For accelerators.')
STEPS = flags.DEFINE_integer('steps', 3, 'Of a round.')
ROUNDS = flags.DEFINE_integer('rounds', 5, 'Their median counts.')
PEER = flags.DEFINE_bool('peer', False, "audiolm-pytorch's coarse stage, too.")


class Ours(NamedTuple):
  """A stage that trains.

  Attributes:
    run: Takes the steps of a round; returns its throughput.
    num_parameters: All of them.
    num_tokens: Places of a batch.
  """

  run: Callable[[], dict[str, float]]
  num_parameters: int
  num_tokens: int


def build(stage: stages.Stage) -> LanguageModelTrainStep:
  """The paper's train step at the size of the flags."""
  dim = EMBED_DIM.value
  model = Transformer(
      vocab_size=stages.vocab_size(stage),
      num_layers=NUM_LAYERS.value,
      embed_dim=dim,
      num_heads=NUM_HEADS.value,
      head_dim=64,
      mlp_dim=MLP_DIM.value or int(dim * 8 / 3),
      dropout_rate=0.1,
      dtype=jnp.bfloat16 if BFLOAT16.value else jnp.float32,
      scan_layers=BFLOAT16.value,
      remat_policy='minimal' if BFLOAT16.value else 'none',
  )
  return LanguageModelTrainStep(model, optimizers.adafactor(1e-2))


def ours(name: str, folder: str) -> Ours:
  """Compiles a stage and takes a first step."""
  stage = getattr(stages, name)(SIZES)
  data = tasks.batches(
      folder, stage, 'train', CROP_SECONDS.value, BATCH_SIZE.value, seed=0
  )
  partitioner, key = default_partitioner(), jax.random.key(0)
  batch = next(data)
  compiled = partitioner.compile(build(stage), key, batch)
  state = compiled.init()
  rates = Throughput(compiled.flops() / jax.device_count())

  def run() -> dict[str, float]:
    nonlocal state
    progress = Progress(
        Silent(), num_steps=-1, log_every=1 << 62, step=-1, rates=rates
    )
    rates.restart()
    for step in range(1, STEPS.value + 1):
      with rates.waiting_for_data(progress.is_idle):
        batch = partitioner.put(next(data))
      state, metrics = compiled.step(state, batch, key)
      progress.add(step, metrics)
    progress.flush()
    return rates.take()

  run()
  num_parameters = sum(leaf.size for leaf in jax.tree.leaves(state.params))
  return Ours(run, num_parameters, batch['inputs'].size)


def peak_teraflops() -> tuple[float, str]:
  """Of a device, and where that is from."""
  kind = jax.devices()[0].device_kind
  if known := devices.peak_flops(kind):
    return known / 1e12, kind
  return timing.matmul_flops_by_the_clock() / 1e12, 'matmul measured here'


def measure(name: str, folder: str) -> dict[str, Any]:
  """A stage by itself, or in turns with the peer's."""
  stage = ours(name, folder)
  # The process's most so far, before the peer adds to it.
  memory_gib = stage.run()['memory_gib']
  other = theirs() if PEER.value and name == 'coarse' else None
  rounds, seconds = [], []
  for _ in range(ROUNDS.value):
    rounds.append(stage.run())
    if other:
      seconds.append(_seconds_a_step(other.step))
  found = _figures(name, stage, rounds) | {'memory_gib': memory_gib}
  return found | (_comparison(other, rounds, seconds) if other else {})


def _figures(
    name: str, stage: Ours, rounds: list[dict[str, float]]
) -> dict[str, Any]:
  steps, teraflops, wait = (
      statistics.median(found[key] for found in rounds)
      for key in ('steps_per_second', 'teraflops', 'data_wait')
  )
  peak, source = peak_teraflops()
  return {
      'stage': name,
      'devices': f'{jax.device_count()} x {jax.devices()[0].device_kind}',
      'threads': len(os.sched_getaffinity(0)),
      'tokens': stage.num_tokens,
      'millions_of_parameters': stage.num_parameters / 1e6,
      'tokens_per_second': stage.num_tokens * steps,
      'mfu': teraflops / peak,
      'peak': source,
      'data_wait': wait,
  }


def _comparison(
    other: Any, rounds: list[dict[str, float]], seconds: list[float]
) -> dict[str, float]:
  pairs = zip(rounds, seconds, strict=True)
  ratios = [ours['steps_per_second'] * took for ours, took in pairs]
  return {
      'peer_millions_of_parameters': other.num_parameters / 1e6,
      'peer_tokens': other.num_tokens,
      'peer_tokens_per_second': other.num_tokens / statistics.median(seconds),
      'times_peer': statistics.median(ratios),
  }


def _seconds_a_step(step: Callable[[], None]) -> float:
  start = time.perf_counter()
  for _ in range(STEPS.value):
    step()
  return (time.perf_counter() - start) / STEPS.value


def theirs() -> Any:
  """audiolm-pytorch's stage at the size of ours."""
  try:
    from bench import peer  # pylint: disable=g-import-not-at-top
  except ImportError as error:
    raise UserError(
        f'--peer needs {error.name}: pip install audiolm-pytorch.'
    ) from error
  frames = stages.coarse(SIZES).frames(CROP_SECONDS.value)
  return peer.coarse(
      sizes=SIZES,
      semantic=frames['semantic'],
      acoustic=frames['acoustic'],
      batch_size=BATCH_SIZE.value,
      dim=EMBED_DIM.value,
      depth=NUM_LAYERS.value,
      heads=NUM_HEADS.value,
  )


def main(_: list[str]) -> None:
  """Measures each stage."""
  memory.keep_freed_memory()
  with tempfile.TemporaryDirectory() as folder:
    token_store.write(folder)
    for name in STAGES.value:
      found = measure(name, folder)
      rounded = {
          key: float(f'{value:.4g}') if isinstance(value, float) else value
          for key, value in found.items()
      }
      print(json.dumps(rounded), flush=True)


if __name__ == '__main__':
  app.run(main)
