"""Speed of generating, beside what memory allows and audiolm-pytorch.

  taskset -c 0,1 python -m bench.generate --peer  # see bench/peer.py

One JSON object a line: ids a second of each stage for so many rows at once
behind so many places of the past, medians of turns, by the clock on the wall
and by that of the CPU, which suffers less from what else runs here.
`share_of_bound` is of the rate at which the machine could read the weights and
the filled cache once a step. audiolm-pytorch takes its turns in the midst of
`generate` of its wrappers, with its cache: `peer` is as it comes, `peer_flash`
has the fused attention that it offers, which has no positions. `weights` says
how ours are kept; of each, all take turns.
`times_peer_alone` compares with as many rows one by one. Weights are random,
which changes no speed. The last lines are what `audiolm generate` takes for
a bundle, one sample at a time.
"""

import itertools
import os
import statistics
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, NamedTuple

import jax
import numpy as np
from absl import flags
from jax.sharding import NamedSharding, PartitionSpec

from audiolm_jax.cli import samples, verb
from audiolm_jax.generation import stage_sampler
from audiolm_jax.lm.sampling import network, sampler
from audiolm_jax.lm.sampling.methods import Sampling
from audiolm_jax.lm.transformer import Transformer
from audiolm_jax.tokens import stages
from audiolm_jax.training import memory
from audiolm_jax.training.state import unbox
from bench import continuation, models, timing
from bench.token_store import SIZES

STAGES = flags.DEFINE_list(
    'stages', [*models.STAGES], 'Stages to measure; may be empty.'
)
PAST = flags.DEFINE_multi_integer(
    'past', [128, 512, 2048], 'Number of tokens before those that are sampled.'
)
ROWS = flags.DEFINE_multi_integer(
    'rows', [1, 8, 64], 'Number of sequences that are sampled at once.'
)
STEPS = flags.DEFINE_integer('steps', 16, 'Ids of ours in a turn.')
TURNS = flags.DEFINE_integer('turns', 8, 'Ids of theirs; a multiple of 8.')
WEIGHTS = flags.DEFINE_list(
    'weights', ['full', 'int8'], 'Ways to keep ours: full, bfloat16, int8.'
)
CPU_DEVICES = flags.DEFINE_integer(
    'cpu_devices', 1, 'Number of shares of the CPU cores; they share rows.'
)
PEER_PLACES = flags.DEFINE_integer(
    'peer_places', 1 << 14, 'No more rows x past of theirs.'
)
MODEL = flags.DEFINE_string(
    'model', 'speech', 'Bundle that is timed as well; none if empty.'
)
PROMPT = flags.DEFINE_string(
    'prompt',
    'data/prompts/speech_english_synthetic.flac',
    'Recording that the bundle continues.',
)

_MAX_IDS = 1024


class Ours(NamedTuple):
  """A stage with random weights."""

  stage: stages.Stage
  model: Transformer
  weights: dict[str, network.Weights]


def ours(name: str) -> Ours:
  """At the size of the flags, kept in each way."""
  stage = getattr(stages, name)(SIZES)
  model = models.transformer(stage)
  ids = np.zeros((1, 2), np.int32)
  init = jax.jit(model.init)
  params = unbox(init(jax.random.key(0), ids, ids[0], ids))['params']
  weights = {kind: network.pack(model, params, kind) for kind in WEIGHTS.value}
  return Ours(stage, model, weights)


def draw(lm: Ours, kind: str, rows: int, past: int) -> Iterator[timing.Seconds]:
  """Seconds of a step, turn by turn; nothing happens between two of them."""
  prompts = sampler.Prompts(
      np.full((rows, past), lm.stage.target.offset, np.int32),
      np.ones((rows, past), bool),
      np.arange(past + _MAX_IDS, dtype=np.int32)[None],
  )
  keys = samples.spread(jax.random.split(jax.random.key(0), rows))
  spread = stage_sampler.rows_of(keys)
  weights = lm.weights[kind]
  if spread:
    everywhere = NamedSharding(spread.mesh, PartitionSpec())
    weights = jax.device_put(weights, everywhere)
  pieces = sampler.draw_pieces(
      lm.model,
      weights,
      prompts,
      lm.stage.candidates(_MAX_IDS),
      keys,
      Sampling(),
      [1] + [STEPS.value] * (_MAX_IDS // STEPS.value),
      rows=spread,
  )
  next(pieces)  # Reads the prompt.
  next(pieces)  # Compiles.
  while True:
    start = timing.now()
    next(pieces)
    yield timing.since(start, STEPS.value)


def step_bytes(lm: Ours, kind: str, rows: int, past: int) -> int:
  """Bytes that a step reads: weights, and the cache as far as it is filled.

  The embedding counts with the codes of the level that is sampled.
  """
  weights = lm.weights[kind]
  layers = sum(leaf.nbytes for leaf in jax.tree.leaves(weights.layers))
  codes = lm.stage.target.codebook_size * lm.model.embed_dim
  width = lm.model.num_heads * lm.model.head_dim
  places = 2 * lm.model.num_layers * rows * past * width
  return layers + weights.embedding.dtype.itemsize * (codes + places)


def take_turns(
    lm: Ours, peers: dict[str, Callable], rows: int, past: int
) -> dict[str, list[timing.Seconds]]:
  """Seconds of a step of ours, kept in each way, and of each of theirs."""
  turns = {kind: draw(lm, kind, rows, past) for kind in lm.weights}
  taken = {kind: [] for kind in turns}

  def take_ours() -> None:
    for kind, turn in turns.items():
      taken[kind].append(next(turn))

  seconds = {
      name: sample(rows, past, take_ours)
      for name, sample in peers.items()
      if rows * past <= PEER_PLACES.value
  }
  while min(map(len, taken.values())) < TURNS.value:
    take_ours()
  return taken | seconds


def samplers(peer: ModuleType, name: str) -> dict[str, Callable]:
  """Theirs, without and with fused attention."""

  def sampler_of(flash: bool) -> Callable:
    options = models.peer_shape() | {'flash_attn': flash}
    model = peer.build(name, SIZES, options)
    return lambda rows, past, between: peer.sample(
        name, model, SIZES, past, rows, TURNS.value, between
    )

  return {'peer': sampler_of(False), 'peer_flash': sampler_of(True)}


def measure(name: str, peer: ModuleType | None) -> Iterator[dict[str, Any]]:
  """Each number of rows behind each past, kept in each way, by each clock."""
  lm = ours(name)
  peers = samplers(peer, name) if peer else {}
  known = {clock: {} for clock in timing.Seconds._fields}
  for past, rows in itertools.product(sorted(PAST.value), sorted(ROWS.value)):
    before = timing.read_byte()
    seconds = take_turns(lm, peers, rows, past)
    bounds = map(min, before, timing.read_byte())
    for (clock, medians), byte in zip(known.items(), bounds, strict=True):
      medians |= {
          (key, rows, past): statistics.median(getattr(t, clock) for t in turns)
          for key, turns in seconds.items()
      }
      for kind in lm.weights:
        bound = byte * step_bytes(lm, kind, rows, past)
        where = {'stage': name, 'weights': kind, 'rows': rows, 'past': past}
        figures = _figures(medians, kind, rows, past, bound)
        yield where | {'clock': clock} | figures


def _figures(
    medians: dict[tuple[str, int, int], float],
    kind: str,
    rows: int,
    past: int,
    bound: float,
) -> dict[str, float]:
  """Figures from the medians so far, by whose they are, rows and past."""
  mine = medians[kind, rows, past]
  line = {
      'ids_per_second': rows / mine,
      'share_of_bound': bound / mine,
      'times_first_past': mine / medians[kind, rows, min(PAST.value)],
  }
  for key in ('peer', 'peer_flash'):
    if step := medians.get((key, rows, past)):
      line[f'{key}_ids_per_second'] = rows / step
      line[f'times_{key}'] = step / mine
    if alone := medians.get((key, 1, past)):
      line[f'times_{key}_alone'] = rows * alone / mine
  return line


def main(_: list[str]) -> None:
  """Measures the stages, then the bundle."""
  memory.keep_freed_memory()
  jax.config.update('jax_num_cpu_devices', CPU_DEVICES.value)
  peer = models.import_peer('peer') if models.PEER.value else None
  threads = len(os.sched_getaffinity(0))
  for name in STAGES.value:
    for line in measure(name, peer):
      models.print_line(line | {'threads': threads, 'load': os.getloadavg()[0]})
  if MODEL.value:
    for line in continuation.measure(MODEL.value, PROMPT.value):
      models.print_line(line | {'threads': threads, 'load': os.getloadavg()[0]})


if __name__ == '__main__':
  verb.run(main, flags.FLAGS)
