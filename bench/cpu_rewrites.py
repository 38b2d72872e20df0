"""The rewrites of nn/cpu.py beside the plain operations that they stand for.

  python -m bench.cpu_rewrites

CPU time of plain over ours, value and gradient, at the sizes of the bundles;
the fastest of several runs. One JSON object a line.
"""

import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from absl import app, flags
from flax import linen as nn
from jax import lax
from jaxtyping import Array

from audiolm_jax.nn import cpu
from bench import timing

REPEATS = flags.DEFINE_integer(
    'repeats', 7, 'Number of repeats, of which the fastest counts.'
)


class Pair(NamedTuple):
  """An operation in two ways.

  Attributes:
    ours: The function of nn/cpu.py.
    plain: The operation it stands for.
    shapes: Shapes of the arguments.
    has_gradient: Whether the gradient is taken, too.
  """

  ours: Callable[..., Array]
  plain: Callable[..., Array]
  shapes: Sequence[tuple[int, ...]]
  has_gradient: bool = True


def grouped(x: Array, kernel: Array, stride: int = 1) -> Array:
  """XLA's own convolution of groups, centred."""
  return lax.conv_general_dilated(
      x,
      kernel,
      window_strides=(stride,),
      padding='SAME',
      dimension_numbers=('NWC', 'WIO', 'NWC'),
      feature_group_count=x.shape[-1] // kernel.shape[1],
  )


PAIRS = {
    'depthwise_conv': Pair(
        cpu.depthwise_conv,
        lambda x, kernel: grouped(x, kernel[:, None]),
        [(16, 150, 256), (7, 256)],
    ),
    'grouped_conv': Pair(
        lambda x, kernel: cpu.grouped_conv(x, kernel, 4),
        lambda x, kernel: grouped(x, kernel, 4),
        [(8, 16000, 64), (41, 4, 256)],
    ),
    'dense': Pair(cpu.dense, jnp.matmul, [(16, 500, 256), (256, 1024)]),
    'elu': Pair(cpu.elu, nn.elu, [(16, 16000, 16)]),
    'argmax': Pair(
        cpu.argmax,
        lambda scores: scores.argmax(axis=-1),
        [(400, 1024)],
        has_gradient=False,
    ),
}


def main(argv: Sequence[str]) -> None:
  del argv
  for name, pair in PAIRS.items():
    ours, plain = (_seconds(run, pair) for run in (pair.ours, pair.plain))
    found = {
        'rewrite': name,
        'ours_ms': round(1e3 * ours, 2),
        'plain_ms': round(1e3 * plain, 2),
        'plain_over_ours': round(plain / ours, 1),
    }
    print(json.dumps(found), flush=True)


def _seconds(function: Callable[..., Array], pair: Pair) -> float:
  """CPU seconds of one call."""
  keys = jax.random.split(jax.random.key(0), len(pair.shapes))
  args = [
      jax.random.normal(key, shape)
      for key, shape in zip(keys, pair.shapes, strict=True)
  ]
  run = jax.jit(function)
  if pair.has_gradient:
    # Squares: the gradient of a plain sum is constant and would be left out.
    run = jax.jit(
        jax.value_and_grad(
            lambda *args: jnp.square(function(*args)).sum(),
            argnums=tuple(range(len(args))),
        )
    )
  return timing.fastest(lambda: run(*args), REPEATS.value).cpu


if __name__ == '__main__':
  app.run(main)
