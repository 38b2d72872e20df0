"""How fast weights are read, by their type, their layout and the rows that do.

  python -m bench.matrix_vector

A step of the sampler multiplies few rows with all weights. One JSON object a
line; only float32 is computed with, as the sampler on CPU does.
"""

import json

import jax
import jax.numpy as jnp
from absl import app, flags
from jaxtyping import Array

from bench import timing

WIDTHS = flags.DEFINE_multi_integer('widths', [1024, 4096], 'In and out.')
NUM_MATRICES = flags.DEFINE_integer('num_matrices', 16, 'Too many for caches.')
ROWS = flags.DEFINE_multi_integer('rows', [1, 8], 'Of the vectors.')
REPEATS = flags.DEFINE_integer('repeats', 10, 'The fastest counts.')

_TYPES = jnp.float32, jnp.bfloat16, jnp.int8
_LAYOUTS = {'in, out': 'bd,df->bf', 'out, in': 'bd,fd->bf'}


def measure(dtype: jnp.dtype, layout: str, rows: int) -> dict[str, float]:
  """Reads all matrices once."""
  widths = WIDTHS.value if layout == 'in, out' else WIDTHS.value[::-1]
  matrices = [jnp.ones(widths, dtype) for _ in range(NUM_MATRICES.value)]
  x = jnp.ones((rows, WIDTHS.value[0]))

  @jax.jit
  def multiply(x: Array, matrices: list[Array]) -> list[Array]:
    # bfloat16 multiplies in its own type, as a model of that type does.
    x = x.astype(jnp.float32 if dtype == jnp.int8 else dtype)
    return [
        jnp.einsum(_LAYOUTS[layout], x, matrix.astype(x.dtype))
        for matrix in matrices
    ]

  seconds = timing.fastest(lambda: multiply(x, matrices), REPEATS.value).wall
  num_bytes = sum(matrix.nbytes for matrix in matrices)
  num_weights = sum(matrix.size for matrix in matrices)
  return {
      'gb_per_second': num_bytes / seconds / 1e9,
      'billion_weights_per_second': num_weights / seconds / 1e9,
  }


def main(_: list[str]) -> None:
  """Measures each type in each layout."""
  for dtype in _TYPES:
    for layout in _LAYOUTS:
      for rows in ROWS.value:
        found = measure(dtype, layout, rows)
        rounded = {name: round(value, 2) for name, value in found.items()}
        setting = {'type': dtype.__name__, 'layout': layout, 'rows': rows}
        print(json.dumps(setting | rounded), flush=True)


if __name__ == '__main__':
  app.run(main)
