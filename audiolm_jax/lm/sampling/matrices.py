"""Weights as sampling keeps them: as they are, or in fewer bytes.

A step multiplies few rows with all weights, so that it takes as long as reading
them. How fast the types are on CPU: bench/README.md.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, BFloat16, Float, Int8, Shaped

from audiolm_jax.errors import UserError
from audiolm_jax.lm.sampling.weight_types import TYPES


class Halved(NamedTuple):
  """Rounded to bfloat16, as vectors are that it is multiplied with.

  Attributes:
    values: Out x in.
  """

  values: BFloat16[Array, 'F D']


class Quantized(NamedTuple):
  """Rounded to 255 steps, as vectors are that it is multiplied with.

  Attributes:
    values: Out x in, which XLA:CPU reads twice as fast as in x out.
    scale: Size of a step, for each output.
  """

  values: Int8[Array, 'F D']
  scale: Float[Array, ' F']


Matrix = Float[Array, 'D F'] | Halved | Quantized


def keep(matrix: Float[Array, 'D F'], kind: str) -> Matrix:
  """A matrix in one of TYPES.

  Raises:
    UserError: There is no such type.
  """
  if kind == 'full':
    return matrix
  if kind == 'bfloat16':
    return Halved(matrix.T.astype(jnp.bfloat16))
  if kind == 'int8':
    return Quantized(*_rounded(matrix.T))
  raise UserError(
      f'Weights cannot be kept as {kind!r}; choose one of {", ".join(TYPES)}.'
  )


def multiply(x: Float[Array, '*B D'], matrix: Matrix) -> Float[Array, '*B F']:
  """Products of vectors with a matrix, in the type of the vectors.

  Each vector is rounded by itself: what else is in the batch does not matter.
  """
  if isinstance(matrix, Array):
    return x @ matrix
  rows = x.reshape(-1, x.shape[-1])
  if isinstance(matrix, Halved):
    y = _products(rows.astype(jnp.bfloat16), matrix.values, jnp.float32)
  else:
    values, scale = _rounded(rows)
    y = _products(values, matrix.values, jnp.int32).astype(jnp.float32)
    y = y * scale[:, None] * matrix.scale[None]
  return y.astype(x.dtype).reshape(*x.shape[:-1], -1)


def _rounded(
    rows: Float[Array, 'N D'],
) -> tuple[Int8[Array, 'N D'], Float[Array, ' N']]:
  """Steps, as many as int8 has on both sides of 0, and how large they are."""
  rows = rows.astype(jnp.float32)
  scale = jnp.maximum(jnp.abs(rows).max(axis=-1), 1e-30) / 127
  return jnp.round(rows / scale[:, None]).astype(jnp.int8), scale


def _products(
    rows: Shaped[Array, 'N D'], values: Shaped[Array, 'F D'], dtype: Any
) -> Shaped[Array, 'N F']:
  # Alone, a row of these types takes a path of XLA:CPU that is ten times
  # slower than that of two.
  pair = jnp.concatenate([rows, rows]) if len(rows) == 1 else rows
  contracted = (((1,), (1,)), ((), ()))
  y = jax.lax.dot_general(
      pair, values, contracted, preferred_element_type=dtype
  )
  return y[: len(rows)]
