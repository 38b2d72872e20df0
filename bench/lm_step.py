"""Speed of a train step of the language model, beside what matmuls allow.

  python -m bench.lm_step [--embed_dim=192 ...]

One JSON object a line.
"""

import json
import os

import jax
import optax
from absl import app, flags

from audiolm_jax.lm.train_step import LanguageModelTrainStep
from audiolm_jax.lm.transformer import Transformer
from bench import timing, work

EMBED_DIM = flags.DEFINE_multi_integer(
    'embed_dim', [192, 256], 'Widths of the models.'
)
NUM_LAYERS = flags.DEFINE_multi_integer(
    'num_layers', [4, 6], 'Number of layers of each width.'
)
LENGTH = flags.DEFINE_multi_integer(
    'length', [1024, 2048], 'Length of the sequences.'
)
VOCAB_SIZE = flags.DEFINE_integer(
    'vocab_size', 2056, 'Number of different ids.'
)
TOKENS = flags.DEFINE_integer('tokens', 8192, 'Number of tokens of a batch.')
REPEATS = flags.DEFINE_integer(
    'repeats', 5, 'Number of repeats, of which the fastest counts.'
)

_HEAD_DIM = 64


def build(embed_dim: int, num_layers: int) -> Transformer:
  """T5's proportions."""
  return Transformer(
      vocab_size=VOCAB_SIZE.value,
      num_layers=num_layers,
      embed_dim=embed_dim,
      num_heads=embed_dim // _HEAD_DIM,
      head_dim=_HEAD_DIM,
      mlp_dim=4 * embed_dim,
  )


def measure(model: Transformer, length: int) -> dict[str, float]:
  """Steps of Adam with dropout."""
  train_step = LanguageModelTrainStep(model, optax.adam(1e-3))
  shape = max(TOKENS.value // length, 1), length
  batch, key = work.noise(shape, VOCAB_SIZE.value), jax.random.key(0)
  state = jax.jit(train_step.init)(key, batch)
  num_params = sum(leaf.size for leaf in jax.tree.leaves(state.params))
  step = jax.jit(train_step.step)
  seconds = timing.fastest(lambda: step(state, batch, key), REPEATS.value)
  num_tokens = batch['inputs'].size
  flops = work.train_flops(model, num_params, shape)
  return {
      'millions_of_parameters': num_params / 1e6,
      'tokens_per_second': num_tokens / seconds.wall,
      'tokens_per_cpu_second': num_tokens / seconds.cpu,
      'bound_tokens_per_cpu_second': num_tokens * timing.matmul_flops() / flops,
  }


def main(_: list[str]) -> None:
  """Measures each width at each length."""
  for embed_dim, num_layers in zip(
      EMBED_DIM.value, NUM_LAYERS.value, strict=True
  ):
    for length in LENGTH.value:
      sizes = {'embed_dim': embed_dim, 'num_layers': num_layers}
      found = measure(build(**sizes), length)
      rounded = {name: round(value, 2) for name, value in found.items()}
      cores = len(os.sched_getaffinity(0))
      print(
          json.dumps({**sizes, 'length': length, 'cores': cores, **rounded}),
          flush=True,
      )


if __name__ == '__main__':
  app.run(main)
