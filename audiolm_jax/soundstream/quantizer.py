"""Residual vector quantization as pure functions (SoundStream s. III-C)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from audiolm_jax.nn import cpu


class Quantized(NamedTuple):
  """The codes of z and what they stand for.

  Attributes:
    z: Sum of the chosen vectors, with the straight-through gradient.
    codes: Chosen vector of each level, also of levels that were dropped.
    residuals: Vectors that each level was given to quantize, level first.
    used: Levels that went into z, of frames that count.
    commitment: Mean squared distance of the residuals from their vectors.
  """

  z: Float[Array, 'B T D']
  codes: Int[Array, 'B T Q']
  residuals: Float[Array, 'Q B T D']
  used: Bool[Array, 'B T Q']
  commitment: Float[Array, '']


def encode(
    z: Float[Array, 'B T D'], vectors: Float[Array, 'Q K D']
) -> Int[Array, 'B T Q']:
  """Quantizes, one level after the other, what the levels before left over."""
  return _residual_codes(z, vectors)[1]


def decode(
    codes: Int[Array, 'B T q'], vectors: Float[Array, 'Q K D']
) -> Float[Array, 'B T D']:
  """Sums the chosen vectors; the first q levels alone give a coarser z."""
  levels = jnp.arange(codes.shape[-1])
  return vectors[levels[None, None], codes].sum(axis=-2)


def quantize(
    z: Float[Array, 'B T D'],
    vectors: Float[Array, 'Q K D'],
    num_levels: Int[Array, ' B'],
    mask: Bool[Array, 'B T'],
) -> Quantized:
  """Quantizes with the first `num_levels` of each row; the gradient passes.

  Codes and commitment of frames outside of `mask` count for nothing.
  """
  # Choosing has no gradient. Stopped here, none of it is kept for the backward
  # pass.
  residuals, codes = _residual_codes(jax.lax.stop_gradient(z), vectors)
  levels = jnp.arange(len(vectors))
  kept = levels[None] < num_levels[:, None]
  chosen = jnp.moveaxis(vectors[levels[None, None], codes], 2, 0)
  # Codes of dropped levels are there for who wants them; they add nothing to z
  # and, not being `used`, teach nothing.
  chosen = jnp.where(kept.T[:, :, None, None], chosen, 0.0)
  total = chosen.sum(axis=0)
  used = kept[:, None] & mask[..., None]
  # How far z is from the sum of the vectors up to each level; of z and not of
  # the residuals, through which no gradient goes.
  errors = jnp.square(z[None] - jnp.cumsum(chosen, axis=0)).mean(axis=-1)
  weights = jnp.moveaxis(used, -1, 0).astype(errors.dtype)
  commitment = (errors * weights).sum() / jnp.maximum(weights.sum(), 1.0)
  straight_through = z + jax.lax.stop_gradient(total - z)
  return Quantized(straight_through, codes, residuals, used, commitment)


def draw_num_levels(
    key: PRNGKeyArray,
    batch_size: int,
    num_quantizers: int,
    full_share: float = 0.0,
) -> Int[Array, ' B']:
  """Quantizer dropout: each row keeps a uniform 1..Q of its levels.

  The first `full_share` of the rows keep all of them (Descript's codec leaves a
  half, arXiv 2306.06546), so that the whole is not learnt last.
  """
  some = jax.random.randint(key, (batch_size,), 1, num_quantizers + 1)
  is_full = jnp.arange(batch_size) < full_share * batch_size
  return jnp.where(is_full, num_quantizers, some)


def nearest(
    points: Float[Array, '*n D'], vectors: Float[Array, 'K D']
) -> Int[Array, '*n']:
  """Index of each point's nearest vector in Euclidean distance."""
  # |x - c|^2 = |x|^2 - 2 x.c + |c|^2, and |x|^2 does not change the argmin.
  halves = 0.5 * jnp.square(vectors).sum(axis=-1)
  # TPUs multiply in bfloat16 unless told otherwise, and other codes would be
  # nearest than on a CPU: tokens have to be the same wherever they are made.
  scores = jnp.einsum(
      '...d,kd->...k', points, vectors, precision=jax.lax.Precision.HIGHEST
  )
  return cpu.argmax(scores - halves[(None,) * (points.ndim - 1)])


def _residual_codes(
    z: Float[Array, 'B T D'], vectors: Float[Array, 'Q K D']
) -> tuple[Float[Array, 'Q B T D'], Int[Array, 'B T Q']]:
  def level(residual, codebook):
    codes = nearest(residual, codebook)
    return residual - codebook[codes], (residual, codes)

  _, (residuals, codes) = jax.lax.scan(level, z, vectors)
  return residuals, jnp.moveaxis(codes, 0, -1)
