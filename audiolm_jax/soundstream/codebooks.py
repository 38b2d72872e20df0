"""Learning of codebooks: k-means, moving averages, revival of dead codes."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from audiolm_jax.soundstream.quantizer import Quantized, nearest


class Codebooks(NamedTuple):
  """State of the residual quantizer; gradients do not touch it.

  Attributes:
    vectors: The codes' vectors, sums / usage.
    sums: Moving average of the sum of the residuals given to each code.
    usage: Moving average of how many residuals each code got in a batch.
    initialized: Whether the first batch has been seen.
  """

  vectors: Float[Array, 'Q K D']
  sums: Float[Array, 'Q K D']
  usage: Float[Array, 'Q K']
  initialized: Bool[Array, '']


def empty(
    num_quantizers: int, codebook_size: int, embedding_dim: int
) -> Codebooks:
  """Codebooks that wait for their first batch."""
  shape = (num_quantizers, codebook_size)
  zeros = jnp.zeros((*shape, embedding_dim))
  return Codebooks(zeros, zeros, jnp.ones(shape), jnp.array(False))


def initialize(
    codebooks: Codebooks,
    z: Float[Array, 'B T D'],
    mask: Bool[Array, 'B T'],
    key: PRNGKeyArray,
    iterations: int = 10,
) -> Codebooks:
  """K-means on a first batch, level by level; later batches change nothing."""
  size = codebooks.vectors.shape[1]
  weights = mask.reshape(-1).astype(jnp.float32)

  def level(residuals, key):
    vectors, usage = _kmeans(residuals, weights, size, key, iterations)
    codes = nearest(residuals, vectors)
    return residuals - vectors[codes], (vectors, usage)

  def first() -> Codebooks:
    keys = jax.random.split(key, len(codebooks.vectors))
    points = jax.lax.stop_gradient(z).reshape(-1, z.shape[-1])
    _, (vectors, usage) = jax.lax.scan(level, points, keys)
    sums = vectors * usage[..., None]
    return Codebooks(vectors, sums, usage, jnp.array(True))

  # A conditional of the program: it costs k-means once, and a resumed run,
  # whose books are initialized, never.
  return jax.lax.cond(codebooks.initialized, lambda: codebooks, first)


def update(
    codebooks: Codebooks,
    quantized: Quantized,
    key: PRNGKeyArray,
    decay: float = 0.99,
    revival_threshold: float = 0.1,
) -> Codebooks:
  """Moves every level towards the residuals it was used for.

  Args:
    codebooks: Before the batch.
    quantized: The batch; only frames and levels that it `used` teach.
    key: Decides which residuals dead codes come back as.
    decay: Decay of the moving averages.
    revival_threshold: A code used less than this fraction of what it would be
      if all were used alike is dead. (The paper's fixed count, 2, would depend
      on the size of the batch.)
  """
  keys = jax.random.split(key, len(codebooks.vectors))
  codes = jnp.moveaxis(quantized.codes, -1, 0).reshape(len(keys), -1)
  used = jnp.moveaxis(quantized.used, -1, 0).reshape(len(keys), -1)
  residuals = jax.lax.stop_gradient(quantized.residuals)
  residuals = residuals.reshape(*codes.shape, -1)

  def level(sums, usage, residuals, codes, used, key):
    weights = used.astype(jnp.float32)
    # Under jit the batch is the global one, whichever devices hold its rows:
    # codebooks agree on all of them without a psum.
    batch_sums, counts = _collect(residuals, codes, weights, len(usage))
    # A level that every row dropped keeps what it has.
    keep = jnp.where(counts.sum() > 0, decay, 1.0)
    sums = keep * sums + (1 - keep) * batch_sums
    usage = keep * usage + (1 - keep) * counts
    # A level that learnt nothing revives none: no residual of the batch is its
    # own to come back as.
    dead = (usage < revival_threshold * usage.mean()) & (keep < 1)
    return _revive(sums, usage, dead, residuals, weights, key)

  sums, usage = jax.vmap(level)(
      codebooks.sums, codebooks.usage, residuals, codes, used, keys
  )
  vectors = sums / usage[..., None]
  return Codebooks(vectors, sums, usage, codebooks.initialized)


def perplexity(usage: Float[Array, 'Q K']) -> Float[Array, ' Q']:
  """Codes that a level uses: exp of its entropy, between 1 and K."""
  p = usage / usage.sum(axis=-1, keepdims=True)
  return jnp.exp(-jax.scipy.special.xlogy(p, p).sum(axis=-1))


def num_dead(
    usage: Float[Array, 'Q K'], revival_threshold: float = 0.1
) -> Int[Array, ' Q']:
  """Returns how many codes of a level are used too little to live."""
  threshold = revival_threshold * usage.mean(axis=-1, keepdims=True)
  return (usage < threshold).sum(axis=-1)


def _revive(
    sums: Float[Array, 'K D'],
    usage: Float[Array, ' K'],
    dead: Bool[Array, ' K'],
    points: Float[Array, 'n D'],
    weights: Float[Array, ' n'],
    key: PRNGKeyArray,
) -> tuple[Float[Array, 'K D'], Float[Array, ' K']]:
  """Dead codes come back as points of the batch, with an average code's usage.

  Vectors are sums / usage: whoever rewrites only the vectors, as the best-known
  public code does, sees them overwritten by the next average. No point is given
  twice: of codes that are alike only the first is ever nearest, and a large
  codebook would stay as small as the batch. Who finds no point left waits.
  """
  # Points without weight, padding or dropped, are sorted behind all others;
  # `turn` numbers the dead codes, so that each takes a point of its own.
  shuffled = jax.random.uniform(key, weights.shape) + (weights == 0)
  order = jnp.argsort(shuffled)
  turn = jnp.cumsum(dead) - 1
  revived = dead & (turn < (weights > 0).sum())
  fresh = points[order[jnp.minimum(turn, len(points) - 1)]]
  usage = jnp.where(revived, usage.mean(), usage)
  return jnp.where(revived[:, None], fresh * usage[:, None], sums), usage


def _kmeans(
    points: Float[Array, 'n D'],
    weights: Float[Array, ' n'],
    size: int,
    key: PRNGKeyArray,
    iterations: int,
) -> tuple[Float[Array, 'K D'], Float[Array, ' K']]:
  """Lloyd's algorithm; returns centroids and how many points each has."""

  def refine(vectors, _):
    sums, counts = _collect(points, nearest(points, vectors), weights, size)
    means = sums / jnp.maximum(counts, 1.0)[:, None]
    return jnp.where(counts[:, None] > 0, means, vectors), counts

  start = _spread(points, weights, size, key)
  vectors, counts = jax.lax.scan(refine, start, None, length=iterations)
  # An empty cluster counts as dead, yet sums / usage stays a number.
  return vectors, jnp.maximum(counts[-1], 1e-3)


def _collect(
    points: Float[Array, 'n D'],
    codes: Int[Array, ' n'],
    weights: Float[Array, ' n'],
    size: int,
) -> tuple[Float[Array, 'K D'], Float[Array, ' K']]:
  """Weighted sum and count of the points of each code."""
  points = points * weights[:, None]
  sums = jax.ops.segment_sum(points, codes, num_segments=size)
  return sums, jax.ops.segment_sum(weights, codes, num_segments=size)


def _spread(
    points: Float[Array, 'n D'],
    weights: Float[Array, ' n'],
    size: int,
    key: PRNGKeyArray,
) -> Float[Array, 'K D']:
  """Points at random, spread evenly; no point twice if there are enough."""
  ends = jnp.cumsum(weights)
  marks = (jnp.arange(size) + jax.random.uniform(key)) * ends[-1] / size
  # Points without weight end where the one before them does, and are never
  # picked.
  picks = jnp.searchsorted(ends, marks, side='right')
  return points[jnp.minimum(picks, len(points) - 1)]
