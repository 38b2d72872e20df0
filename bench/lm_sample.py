"""Speed of sampling at some depth of the past, beside reading memory once.

  python -m bench.lm_sample [--embed_dim=192 ...]

A step has to read all parameters and every row's cache. One JSON object a line.
"""

import json

import jax
import jax.numpy as jnp
import numpy as np
from absl import app, flags

from audiolm_jax.lm import decoder, sampler
from audiolm_jax.lm.transformer import Transformer
from audiolm_jax.tokens.layout import Candidates
from audiolm_jax.training.state import unbox
from bench import timing

EMBED_DIM = flags.DEFINE_integer('embed_dim', 256, 'Width.')
NUM_LAYERS = flags.DEFINE_integer('num_layers', 6, 'Layers.')
VOCAB_SIZE = flags.DEFINE_integer('vocab_size', 2056, 'Ids.')
PAST = flags.DEFINE_multi_integer('past', [128, 2048], 'Ids before.')
ROWS = flags.DEFINE_multi_integer('rows', [1, 4], 'Sampled at once.')
STEPS = flags.DEFINE_integer('steps', 512, 'Ids that are sampled.')
REPEATS = flags.DEFINE_integer('repeats', 2, 'The fastest counts.')

_HEAD_DIM = 64


def build() -> Transformer:
  """T5's proportions."""
  return Transformer(
      vocab_size=VOCAB_SIZE.value,
      num_layers=NUM_LAYERS.value,
      embed_dim=EMBED_DIM.value,
      num_heads=EMBED_DIM.value // _HEAD_DIM,
      head_dim=_HEAD_DIM,
      mlp_dim=4 * EMBED_DIM.value,
  )


def measure(model: Transformer, past: int, rows: int) -> dict[str, float]:
  """The difference between sampling some ids and sampling one."""
  ids = jnp.zeros((1, 2), jnp.int32)
  init = jax.jit(model.init)
  params = unbox(init(jax.random.key(0), ids, ids[0], ids))['params']
  weights = decoder.pack(model, params)
  keys = jax.random.split(jax.random.key(1), rows)

  def sample(steps: int) -> timing.Seconds:
    prompts = sampler.Prompts(
        np.full((rows, past), 2, np.int32),
        np.ones((rows, past), bool),
        np.arange(past + steps, dtype=np.int32)[None],
    )
    candidates = Candidates(
        np.full(steps, 2, np.int32), np.zeros(steps, bool), 1024
    )
    args = prompts, candidates, keys
    return timing.fastest(
        lambda: sampler.sample(model, weights, *args), REPEATS.value
    )

  one, all_of_them = sample(1), sample(STEPS.value + 1)
  cache = 2 * model.num_layers * rows * (past + STEPS.value) * model.embed_dim
  num_params = sum(leaf.size for leaf in jax.tree.leaves(params))
  bound = 4 * (num_params + cache) / timing.read_bytes()
  return {
      'millions_of_parameters': num_params / 1e6,
      'prefill_ms': 1e3 * one.wall,
      'ms_per_step': 1e3 * (all_of_them.wall - one.wall) / STEPS.value,
      'cpu_ms_per_step': 1e3 * (all_of_them.cpu - one.cpu) / STEPS.value,
      'bound_cpu_ms_per_step': 1e3 * bound,
  }


def main(_: list[str]) -> None:
  """Measures each past with each number of rows."""
  for past in PAST.value:
    for rows in ROWS.value:
      found = measure(build(), past, rows)
      rounded = {name: round(value, 3) for name, value in found.items()}
      print(json.dumps({'past': past, 'rows': rows, **rounded}), flush=True)


if __name__ == '__main__':
  app.run(main)
