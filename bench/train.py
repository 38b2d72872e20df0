"""Training speed of the stages, on a token store, beside audiolm-pytorch.

  taskset -c 0,1 python -m bench.train --peer  # needs what bench/peer.py says

One JSON object a line: tokens a second (places of the sequences, prefix
included), the operations as a fraction of what the devices could do, and the
time they may have waited for data. Tokens are random, which changes no speed;
they are written to a store and read from it as in any training run. The
numbers are medians of rounds, by the clock on the wall and by that of the CPU,
which suffers less from what else runs here; with --peer, both take turns. The
fraction is of the fastest matrix product of all rounds.
"""

import os
import statistics
import tempfile
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from absl import flags

from audiolm_jax.cli import verb
from audiolm_jax.lm.train_step import LanguageModelTrainStep
from audiolm_jax.tokens import stages
from audiolm_jax.tokens.batches import sequences
from audiolm_jax.training import devices, memory, optimizers
from audiolm_jax.training.monitoring.progress import Progress
from audiolm_jax.training.monitoring.summaries import Silent
from audiolm_jax.training.monitoring.throughput import Throughput
from audiolm_jax.training.partitioning import default_partitioner
from bench import models, timing, token_store
from bench.token_store import SIZES

STAGES = flags.DEFINE_multi_enum(
    'stage',
    ['coarse'],
    models.STAGES,
    'Stage that is timed; the flag may be repeated.',
)
CROP_SECONDS = flags.DEFINE_float(
    'crop_seconds', 4.48, 'Seconds of a sequence.'
)
BATCH_SIZE = flags.DEFINE_integer(
    'batch_size', 4, 'Number of sequences in a step.'
)
BFLOAT16 = flags.DEFINE_bool(
    'bfloat16', False, 'Whether products are bfloat16, for accelerators.'
)
STEPS = flags.DEFINE_integer('steps', 3, 'Number of steps of a round.')
ROUNDS = flags.DEFINE_integer(
    'rounds', 5, 'Number of rounds, of which the median counts.'
)


class Ours(NamedTuple):
  """A stage that trains.

  Attributes:
    run: Takes the steps of a round; returns its throughput.
    num_parameters: All of them.
    num_tokens: Places of a batch.
    flops: Operations of a step.
  """

  run: Callable[[], dict[str, float]]
  num_parameters: int
  num_tokens: int
  flops: float


def build(stage: stages.Stage) -> LanguageModelTrainStep:
  """The paper's train step at the size of the flags."""
  model = models.transformer(
      stage,
      dropout_rate=0.1,
      dtype=jnp.bfloat16 if BFLOAT16.value else jnp.float32,
      scan_layers=BFLOAT16.value,
      remat_policy='minimal' if BFLOAT16.value else 'none',
  )
  return LanguageModelTrainStep(model, optimizers.adafactor(1e-2))


def ours(name: str, folder: str) -> Ours:
  """Compiles a stage and takes a first step."""
  stage = getattr(stages, name)(SIZES)
  data = sequences.batches(
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
  return Ours(run, num_parameters, batch['inputs'].size, compiled.flops())


def peaks() -> dict[str, float]:
  """Operations a second, by the clocks that mean something here."""
  known = devices.peak_flops(jax.devices()[0].device_kind)
  if known:
    return {'wall': known * jax.device_count()}
  return {
      'wall': timing.matmul_flops_by_the_clock(),
      'cpu': timing.matmul_flops(),
  }


def measure(
    name: str, folder: str, peer: ModuleType | None
) -> Iterator[dict[str, Any]]:
  """A stage by itself, or in turns with the peer's; by each clock."""
  stage = ours(name, folder)
  # The process's most so far, before the peer adds to it.
  memory_gib = stage.run()['memory_gib']
  other = theirs(peer) if peer and name == 'coarse' else None
  best, waits, mine, others = peaks(), [], [], []
  for _ in range(ROUNDS.value):
    best = {clock: max(best[clock], now) for clock, now in peaks().items()}
    start = timing.now()
    waits.append(stage.run()['data_wait'])
    mine.append(timing.since(start, STEPS.value))
    others += [_step_of(other)] if other else []
  for clock, peak in best.items():
    seconds = [getattr(step, clock) for step in mine]
    median = statistics.median(seconds)
    yield {
        'stage': name,
        'clock': clock,
        'devices': f'{jax.device_count()} x {jax.devices()[0].device_kind}',
        'threads': len(os.sched_getaffinity(0)),
        'load': os.getloadavg()[0],
        'tokens': stage.num_tokens,
        'millions_of_parameters': stage.num_parameters / 1e6,
        'tokens_per_second': stage.num_tokens / median,
        'mfu': stage.flops / median / peak,
        'peak_gigaflops': peak / 1e9,
        'data_wait': statistics.median(waits),
        'memory_gib': memory_gib,
    } | (_beside(other, seconds, others, clock) if other else {})


def _beside(
    other: Any,
    seconds: list[float],
    others: list[timing.Seconds],
    clock: str,
) -> dict[str, float]:
  theirs = [getattr(step, clock) for step in others]
  ratios = [a / b for a, b in zip(theirs, seconds, strict=True)]
  return {
      'peer_millions_of_parameters': other.num_parameters / 1e6,
      'peer_tokens': other.num_tokens,
      'peer_tokens_per_second': other.num_tokens / statistics.median(theirs),
      'times_peer': statistics.median(ratios),
  }


def _step_of(other: Any) -> timing.Seconds:
  start = timing.now()
  for _ in range(STEPS.value):
    other.step()
  return timing.since(start, STEPS.value)


def theirs(peer: ModuleType) -> Any:
  """audiolm-pytorch's coarse stage at the size of ours."""
  frames = stages.coarse(SIZES).frames(CROP_SECONDS.value)
  return peer.coarse(SIZES, models.peer_shape(), frames, BATCH_SIZE.value)


def main(_: list[str]) -> None:
  """Measures each stage."""
  memory.keep_freed_memory()
  peer = models.import_peer('peer_training') if models.PEER.value else None
  with tempfile.TemporaryDirectory() as folder:
    token_store.write(folder)
    for name in STAGES.value:
      for found in measure(name, folder, peer):
        models.print_line(found)


if __name__ == '__main__':
  verb.run(main, flags.FLAGS)
