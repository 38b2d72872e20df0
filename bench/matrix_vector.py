"""Speed at which weights are read, by their storage and the number of rows.

  python -m bench.matrix_vector

A step of the sampler multiplies few rows with all weights. One JSON object a
line. `kept` is as in audiolm_jax.lm.sampling.matrices; `turned` are full
weights, out x in, whose layout is the only thing that differs.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from absl import app, flags
from jaxtyping import Array

from audiolm_jax.lm.sampling import matrices, weight_types
from bench import models, timing

WIDTHS = flags.DEFINE_multi_integer(
    'widths', [1024, 4096], 'Widths of the inputs and of the outputs.'
)
NUM_MATRICES = flags.DEFINE_integer(
    'num_matrices', 16, 'Number of matrices, too many for caches.'
)
ROWS = flags.DEFINE_multi_integer(
    'rows', [1, 8, 64], 'Numbers of vectors that are multiplied at once.'
)
REPEATS = flags.DEFINE_integer(
    'repeats', 10, 'Number of repeats, of which the fastest counts.'
)


def _multiply_turned(x: Array, matrix: Array) -> Array:
  return jnp.einsum('bd,fd->bf', x, matrix)


def measure(
    drawn: list[Array], multiply: Callable, rows: int
) -> dict[str, float]:
  """Reads all matrices once."""
  x = jax.random.normal(jax.random.key(1), (rows, WIDTHS.value[0]))

  @jax.jit
  def run(x: Array, drawn: list[Array]) -> list[Array]:
    return [multiply(x, matrix) for matrix in drawn]

  seconds = timing.fastest(lambda: run(x, drawn), REPEATS.value).wall
  num_bytes = sum(leaf.nbytes for leaf in jax.tree.leaves(drawn))
  num_weights = len(drawn) * WIDTHS.value[0] * WIDTHS.value[1]
  return {
      'gb_per_second': num_bytes / seconds / 1e9,
      'billion_weights_per_second': num_weights / seconds / 1e9,
  }


def main(_: list[str]) -> None:
  """Measures each way to keep them."""
  keys = jax.random.split(jax.random.key(0), NUM_MATRICES.value)
  full = [jax.random.normal(key, WIDTHS.value) for key in keys]
  ways = {'turned': ([each.T for each in full], _multiply_turned)} | {
      kind: ([matrices.keep(each, kind) for each in full], matrices.multiply)
      for kind in weight_types.TYPES
  }
  for kept, way in ways.items():
    for rows in ROWS.value:
      found = measure(*way, rows)
      models.print_line({'kept': kept, 'rows': rows} | found)


if __name__ == '__main__':
  app.run(main)
