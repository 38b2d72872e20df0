"""The arithmetic of k-means: seeds, members, moves, revival."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

# A centroid with less than this share of an average one's frames is dead.
DEAD = 0.05
# Frames per centroid among which k-means++ looks for its seeds.
CANDIDATES = 8


class Clusters(NamedTuple):
  """Centroids and how many frames each is the mean of."""

  centroids: Float[Array, 'K D']
  counts: Float[Array, ' K']


class Members(NamedTuple):
  """Sums over the frames that each centroid got.

  Attributes:
    sums: Sum of the frames that are nearest to it.
    counts: Their number.
    distances: Distance of each frame to its centroid, squared.
  """

  sums: Float[Array, 'K D']
  counts: Float[Array, ' K']
  distances: Float[Array, ' n']


def scores(
    x: Float[Array, '*B D'], centroids: Float[Array, 'K D']
) -> Float[Array, '*B K']:
  """Grows as the distance shrinks: |x - c|^2 = |x|^2 - 2 score."""
  halves = jnp.square(centroids).sum(axis=-1) / 2
  products = jnp.einsum(
      '...d,kd->...k', x, centroids, precision=jax.lax.Precision.HIGHEST
  )
  return products - halves[(None,) * (x.ndim - 1)]


@jax.jit
def members(
    x: Float[Array, 'n D'] | Float[np.ndarray, 'n D'],
    centroids: Float[Array, 'K D'],
) -> Members:
  """Gives each frame to its nearest centroid."""
  nearness = scores(x, centroids)
  # A matrix product where a scatter would do: on a GPU a scatter's sums depend
  # on the order in which threads come.
  given = jax.nn.one_hot(nearness.argmax(axis=-1), len(centroids))
  sums = jnp.einsum('nk,nd->kd', given, x, precision=jax.lax.Precision.HIGHEST)
  distances = jnp.square(x).sum(axis=-1) - 2 * nearness.max(axis=-1)
  return Members(sums, given.sum(axis=0), jnp.maximum(distances, 0))


def move(clusters: Clusters, sums: Array, counts: Array) -> Clusters:
  """Adds frames to the means; centroids of none stay where they are."""
  total = clusters.counts + counts
  sums = clusters.centroids * clusters.counts[:, None] + sums
  means = sums / jnp.maximum(total, 1e-9)[:, None]
  centroids = jnp.where(total[:, None] > 0, means, clusters.centroids)
  return Clusters(centroids, total)


def revive(
    clusters: Clusters,
    x: Float[np.ndarray, 'n D'],
    distances: Float[np.ndarray, ' n'],
    random: np.random.Generator,
) -> Clusters:
  """Puts dead centroids onto frames that are badly served."""
  threshold = DEAD * clusters.counts.mean()
  dead = np.flatnonzero(np.asarray(clusters.counts < threshold))[: len(x)]
  chance = distances.astype(np.float64) + 1e-12
  picks = random.choice(
      len(x), len(dead), replace=False, p=chance / chance.sum()
  )
  return Clusters(
      clusters.centroids.at[dead].set(x[picks]),
      # As light as a living one may be, so that frames around it soon count.
      clusters.counts.at[dead].set(threshold),
  )


def seeds(
    x: Float[np.ndarray, 'n D'], num_clusters: int, random: np.random.Generator
) -> Float[Array, 'K D']:
  """Greedy k-means++: frames drawn by their distance from those before."""
  size = min(len(x), CANDIDATES * num_clusters)
  candidates = x[random.choice(len(x), size, replace=False)]
  trials = 2 + int(np.log(num_clusters))
  draws = random.random((num_clusters, trials)).astype(np.float32)
  return _seeds_among(jnp.asarray(candidates), jnp.asarray(draws))


@jax.jit
def _seeds_among(
    x: Float[Array, 'n D'], draws: Float[Array, 'K trials']
) -> Float[Array, 'K D']:
  squares = jnp.square(x).sum(axis=-1)

  def seed(distances, draws):
    ends = jnp.cumsum(distances)
    picks = jnp.searchsorted(ends, draws * ends[-1])
    picks = jnp.minimum(picks, len(x) - 1)
    products = jnp.einsum(
        'td,nd->tn', x[picks], x, precision=jax.lax.Precision.HIGHEST
    )
    to_picks = squares[None] + squares[picks][:, None] - 2 * products
    # The one of a few draws that leaves frames nearest to a seed.
    left = jnp.minimum(distances[None], jnp.maximum(to_picks, 0))
    best = left.sum(axis=-1).argmin()
    return left[best], x[picks[best]]

  # Finite, as sums of it decide; farther than standardized frames mostly are.
  far = jnp.full(len(x), jnp.float32(4 * x.shape[-1]))
  return jax.lax.scan(seed, far, draws)[1]
