"""Speed of generating, beside what memory allows and audiolm-pytorch.

  taskset -c 0,1 python -m bench.generate --peer  # see bench/peer.py

One JSON object a line, medians of rounds in which all take turns: ids a second
of each stage for so many rows at once behind so many places of the past;
`bound` is the rate at which the machine could read the weights and the filled
cache once a step. Theirs is `generate` of its wrappers with its cache: `peer`
as it comes, `peer_flash` with the fused attention that it offers, which has no
positions. Weights are random, which changes no speed. The last line is what
`audiolm generate` takes for a bundle.
"""

import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import jax
import numpy as np
from absl import flags
from jaxtyping import PyTree

from audiolm_jax.cli import verb
from audiolm_jax.lm import sampler
from audiolm_jax.lm.transformer import Transformer
from audiolm_jax.tokens import stages
from audiolm_jax.training import memory
from audiolm_jax.training.state import unbox
from bench import continuation, models, timing
from bench.token_store import SIZES

STAGES = flags.DEFINE_multi_enum(
    'stage', models.STAGES, models.STAGES, 'May be repeated.'
)
PAST = flags.DEFINE_multi_integer('past', [128, 512, 2048], 'Places before.')
ROWS = flags.DEFINE_multi_integer('rows', [1, 8, 64], 'Sampled at once.')
STEPS = flags.DEFINE_integer('steps', 64, 'Ids of ours in a round.')
PEER_IDS = flags.DEFINE_integer('peer_ids', 16, 'Ids of theirs; frames of 8.')
PEER_PLACES = flags.DEFINE_integer(
    'peer_places', 1 << 15, 'No more rows x past of theirs: it runs for hours.'
)
ROUNDS = flags.DEFINE_integer('rounds', 3, 'Their median counts.')
MODEL = flags.DEFINE_string('model', 'speech', 'Bundle; none if empty.')
PROMPT = flags.DEFINE_string(
    'prompt', 'data/prompts/speech_english_synthetic.flac', 'For the bundle.'
)

# Seconds of a step, several times, for so many rows behind so many places.
Sampler = Callable[[int, int], list[float]]


def ours(stage: stages.Stage) -> tuple[Transformer, PyTree]:
  """A stage with random weights."""
  model = models.transformer(stage)
  ids = np.zeros((1, 2), np.int32)
  init = jax.jit(model.init)
  params = unbox(init(jax.random.key(0), ids, ids[0], ids))['params']
  return model, params


def draw(stage: stages.Stage, model: Transformer, params: PyTree) -> Sampler:
  """Ours: the difference between sampling some ids and sampling one."""

  def sample(rows: int, past: int, steps: int) -> float:
    prefix = np.full((rows, past), stage.target.offset, np.int32)
    start = time.perf_counter()
    ids = sampler.sample(
        model,
        params,
        prefix,
        np.ones_like(prefix),
        np.arange(past + steps),
        stage.allowed(steps, 0),
        1.0,
        jax.random.split(jax.random.key(1), rows),
    )
    jax.block_until_ready(ids)
    return time.perf_counter() - start

  def step(rows: int, past: int) -> list[float]:
    one, more = (sample(rows, past, n) for n in (1, 1 + STEPS.value))
    return [(more - one) / STEPS.value]

  return step


def draw_peer(peer: ModuleType, name: str, flash: bool) -> Sampler:
  """Theirs."""
  model = peer.build(name, SIZES, models.peer_shape(peer, flash), dropout=0.0)
  return lambda rows, past: peer.sample(
      name, model, SIZES, past, rows, PEER_IDS.value
  )


def bound(
    stage: stages.Stage, params: PyTree, rows: int, past: int, rate: float
) -> float:
  """Seconds of reading what a step needs: weights, and the cache as filled.

  Of the embedding, that is the codes of the level that is sampled.
  """
  size = sum(leaf.size for leaf in jax.tree.leaves(params))
  spared = stages.vocab_size(stage) - stage.target.codebook_size
  size -= spared * models.EMBED_DIM.value
  places = rows * (past + STEPS.value // 2)
  size += places * 2 * models.NUM_LAYERS.value * models.NUM_HEADS.value * 64
  return 4 * size / rate


def measure(name: str, peer: ModuleType | None) -> Iterator[dict[str, Any]]:
  """Each past with each number of rows."""
  stage = getattr(stages, name)(SIZES)
  model, params = ours(stage)
  samplers = {'ours': draw(stage, model, params)}
  if peer:
    samplers['peer'] = draw_peer(peer, name, flash=False)
    samplers['peer_flash'] = draw_peer(peer, name, flash=True)
  first, alone = {}, {}
  for past in sorted(PAST.value):
    for rows in sorted(ROWS.value):
      samplers['ours'](rows, past)  # Compiles.
      seconds, rate = take_turns(samplers, rows, past)
      line = {'stage': name, 'rows': rows, 'past': past}
      line |= _rates(seconds, rows)
      floor = bound(stage, params, rows, past, rate)
      mine = statistics.median(seconds['ours'])
      line['share_of_bound'] = floor / mine
      line['cost_of_first_past'] = mine / first.setdefault(rows, mine)
      for other in list(samplers)[1:]:
        if other in seconds:
          alone.setdefault((other, past), statistics.median(seconds[other]))
        if (other, past) in alone:
          line[f'times_{other}_alone'] = rows * alone[other, past] / mine
      yield line


def take_turns(
    samplers: dict[str, Sampler], rows: int, past: int
) -> tuple[dict[str, list[float]], float]:
  """Seconds of a step in each round, and bytes a second in the best of them."""
  seconds, rate = {}, 0.0
  for _ in range(ROUNDS.value):
    rate = max(rate, timing.read_bytes_by_the_clock())
    for name, step in samplers.items():
      if name == 'ours' or rows * past <= PEER_PLACES.value:
        found = statistics.median(step(rows, past))
        seconds.setdefault(name, []).append(found)
  return seconds, rate


def _rates(seconds: dict[str, list[float]], rows: int) -> dict[str, float]:
  line = {}
  for name, found in seconds.items():
    line[f'{name}_ids_per_second'] = rows / statistics.median(found)
    if name != 'ours':
      pairs = zip(found, seconds['ours'], strict=True)
      line[f'times_{name}'] = statistics.median(a / b for a, b in pairs)
  return line


def _print(line: dict[str, Any]) -> None:
  rounded = {
      key: float(f'{value:.4g}') if isinstance(value, float) else value
      for key, value in line.items()
  }
  print(json.dumps(rounded), flush=True)


def main(_: list[str]) -> None:
  """Measures the stages, then the bundle."""
  memory.keep_freed_memory()
  peer = models.import_peer() if models.PEER.value else None
  _print({'threads': len(os.sched_getaffinity(0))})
  for name in STAGES.value:
    for line in measure(name, peer):
      _print(line)
  if MODEL.value:
    _print(continuation.measure(MODEL.value, PROMPT.value))


if __name__ == '__main__':
  verb.run(main, flags.FLAGS)
