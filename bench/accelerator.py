"""The paper's stage on the device that JAX has: training, decoding, attention.

  python -m bench.accelerator                  # a GPU or a TPU
  taskset -c 0 python -m bench.accelerator --batch_size=1 --length=256 \\
      --rows=1 --dtypes=float32 --matmul=2048  # a core, for some minutes

It needs JAX, Flax, Optax and the small libraries of the core, but no audio, no
token store and no TensorFlow. One JSON object a line. `train`: a step of Adam
in each type, with `mfu` of the fastest square product in that type of the same
run. `decode`: by how weights are kept; `share_of_bound` is of the rate at which
the device reads as many bytes. `attention`: with its gradient and a position
bias, ours and that of jax.nn.dot_product_attention, by XLA and, on a GPU, by
cuDNN.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from absl import app, flags
from jaxtyping import Array

from audiolm_jax.lm.sampling import network, sampler
from audiolm_jax.lm.sampling.methods import Sampling
from audiolm_jax.lm.train_step import LanguageModelTrainStep
from audiolm_jax.lm.transformer import Transformer
from audiolm_jax.nn.dot_product import attend
from audiolm_jax.tokens import stages
from audiolm_jax.training.state import unbox
from bench import timing, work

DTYPES = flags.DEFINE_list(
    'dtypes',
    ['float32', 'bfloat16'],
    'Number types of the products in training.',
)
WEIGHTS = flags.DEFINE_list(
    'weights', ['full', 'bfloat16', 'int8'], 'Ways to keep weights to decode.'
)
NUM_LAYERS = flags.DEFINE_integer(
    'num_layers', 12, 'Number of layers of the stage.'
)
BATCH_SIZE = flags.DEFINE_integer(
    'batch_size', 16, 'Number of sequences in a training step.'
)
LENGTH = flags.DEFINE_integer('length', 1024, 'Number of tokens in a sequence.')
ROWS = flags.DEFINE_multi_integer(
    'rows', [1, 16], 'Number of sequences that are sampled at once.'
)
STEPS = flags.DEFINE_integer(
    'steps', 32, 'Number of tokens that a turn decodes.'
)
REPEATS = flags.DEFINE_integer(
    'repeats', 5, 'Number of turns, of which the fastest counts.'
)
MATMUL = flags.DEFINE_integer('matmul', 4096, 'Side of the square product.')

# AudioLM's coarse stage: 1,024 semantic ids, 4 coarse levels of 1,024 codes.
_STAGE = stages.coarse(stages.Sizes())


def seconds(run: Callable[[], Any]) -> float:
  """Wall seconds of the fastest of several runs, after one that compiles."""
  return timing.fastest(run, REPEATS.value).wall


def product_flops(dtype: str) -> float:
  """Operations a second of a square product, the best that a step could do."""
  x = jnp.ones((MATMUL.value, MATMUL.value), dtype)
  multiply = jax.jit(jnp.matmul)
  return 2 * MATMUL.value**3 / seconds(lambda: multiply(x, x))


def train(dtype: str) -> dict[str, float]:
  """A step, with layers compiled once and activations as on accelerators."""
  model = Transformer(
      _STAGE.vocab_size,
      num_layers=NUM_LAYERS.value,
      dtype=jnp.dtype(dtype),
      scan_layers=True,
      remat_policy='minimal',
  )
  shape = BATCH_SIZE.value, LENGTH.value
  train_step = LanguageModelTrainStep(model, optax.adam(1e-3))
  batch, key = work.noise(shape, _STAGE.vocab_size), jax.random.key(0)
  state = jax.jit(train_step.init)(key, batch)
  num_params = sum(leaf.size for leaf in jax.tree.leaves(state.params))
  step = jax.jit(train_step.step)
  took = seconds(lambda: step(state, batch, key))
  flops = work.train_flops(model, num_params, shape)
  return {
      'millions_of_parameters': num_params / 1e6,
      'tokens_per_second': batch['inputs'].size / took,
      'tflops': flops / took / 1e12,
      'mfu': flops / took / product_flops(dtype),
  }


def decode(kind: str, rows: int) -> dict[str, float]:
  """Tokens behind a prompt of half the length."""
  model = Transformer(_STAGE.vocab_size, num_layers=NUM_LAYERS.value)
  ids = np.zeros((1, 2), np.int32)
  init = jax.jit(model.init)
  params = unbox(init(jax.random.key(0), ids, ids[0], ids))['params']
  weights = network.pack(model, params, kind)
  past, most = LENGTH.value // 2, 1 + STEPS.value * (REPEATS.value + 1)
  prompts = sampler.Prompts(
      np.full((rows, past), _STAGE.target.offset, np.int32),
      np.ones((rows, past), bool),
      np.arange(past + most, dtype=np.int32)[None],
  )
  pieces = sampler.draw_pieces(
      model,
      weights,
      prompts,
      _STAGE.candidates(most),
      jax.random.split(jax.random.key(0), rows),
      Sampling(),
      [1] + [STEPS.value] * (REPEATS.value + 1),
      growth=most,
  )
  next(pieces)  # Reads the prompt.
  next(pieces)  # Compiles.
  turns = []
  for _ in range(REPEATS.value):
    start = time.perf_counter()
    next(pieces)
    turns.append(time.perf_counter() - start)
  step = statistics.median(turns) / STEPS.value
  return {
      'ms_per_step': 1e3 * step,
      'ms_per_token': 1e3 * step / rows,
      'share_of_bound': _read(weights.layers) / step,
  }


def _read(weights: Any) -> float:
  """Seconds to read as many bytes at best."""
  num_bytes = sum(leaf.nbytes for leaf in jax.tree.leaves(weights))
  values = jnp.ones(num_bytes // 4, jnp.float32)
  total = jax.jit(jnp.max)
  return seconds(lambda: total(values))


def attention(dtype: str) -> Iterator[dict[str, Any]]:
  """Value and gradients of q, k, v and the bias, of one layer."""
  shape = BATCH_SIZE.value, 16, LENGTH.value, 64
  keys = jax.random.split(jax.random.key(0), 4)
  q, k, v = (jax.random.normal(key, shape, dtype) for key in keys[:3])
  bias = jax.random.normal(keys[3], (1, 16, LENGTH.value, LENGTH.value))
  causal = jnp.tril(jnp.ones((1, LENGTH.value, LENGTH.value), bool))

  def library(name: str) -> Callable:
    def run(q: Array, k: Array, v: Array, bias: Array) -> Array:
      q, k, v = (x.swapaxes(1, 2) for x in (q, k, v))
      return jax.nn.dot_product_attention(
          q, k, v, bias.astype(dtype), is_causal=True, implementation=name
      )

    return run

  ways = {
      'ours': lambda *args: attend(*args, causal),
      'xla': library('xla'),
  }
  if jax.default_backend() == 'gpu':
    ways['cudnn'] = library('cudnn')
  for name, way in ways.items():
    took = _gradient_seconds(way, q, k, v, bias)
    yield {'by': name, 'ms': 1e3 * took}


def _gradient_seconds(attended: Callable, *args: Array) -> float:
  gradient = jax.jit(jax.grad(lambda *x: attended(*x).sum(), (0, 1, 2, 3)))
  return seconds(lambda: gradient(*args))


def main(_: list[str]) -> None:
  """Prints a line each."""
  device = {'device': jax.devices()[0].device_kind}

  def say(what: str, **found: Any) -> None:
    found = {
        key: float(f'{value:.4g}') if isinstance(value, float) else value
        for key, value in found.items()
    }
    print(json.dumps({'what': what} | device | found), flush=True)

  for dtype in DTYPES.value:
    say('train', dtype=dtype, **train(dtype))
    for found in attention(dtype):
      say('attention', dtype=dtype, **found)
  for kind in WEIGHTS.value:
    for rows in ROWS.value:
      say('decode', weights=kind, rows=rows, **decode(kind, rows))


if __name__ == '__main__':
  app.run(main)
