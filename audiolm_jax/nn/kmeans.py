"""K-means over a stream of features: from features to semantic ids."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from audiolm_jax.errors import UserError
from audiolm_jax.nn import clustering
from audiolm_jax.nn.clustering import Clusters

# Frames assigned at once; all pieces but the last are of this size, so that one
# compilation serves all.
PIECE = 8192


class KMeans(NamedTuple):
  """Centroids in the space of normalized features (AudioLM s. III-B).

  Attributes:
    mean: Mean of each dimension of the features.
    std: Standard deviation of each dimension of the features.
    centroids: One per semantic id, for features of zero mean and unit variance.
  """

  mean: Float[Array, ' D'] | Float[np.ndarray, ' D']
  std: Float[Array, ' D'] | Float[np.ndarray, ' D']
  centroids: Float[Array, 'K D'] | Float[np.ndarray, 'K D']


def normalize(
    features: Float[Array, '*B D'] | Float[np.ndarray, '*B D'], kmeans: KMeans
) -> Float[Array, '*B D']:
  """Features as the centroids see them; jittable."""
  lead = (None,) * (features.ndim - 1)
  return jnp.asarray((features - kmeans.mean[lead]) / kmeans.std[lead])


def assign(
    features: Float[Array, '*B D'] | Float[np.ndarray, '*B D'], kmeans: KMeans
) -> Int[Array, '*B']:
  """The id of each frame's nearest centroid; jittable."""
  x = normalize(features, kmeans)
  return clustering.scores(x, jnp.asarray(kmeans.centroids)).argmax(axis=-1)


def fit(
    batches: Iterable[Float[np.ndarray, '_ D']],
    num_clusters: int,
    seed: int = 0,
    num_first: int = 200_000,
    iterations: int = 20,
) -> KMeans:
  """Clusters frames that come in batches of any size, in one pass.

  The first frames set mean and deviation and, by k-means++ and Lloyd's
  algorithm, the centroids. Each frame after them moves the centroid it is
  nearest to, by ever smaller steps. So memory holds `num_first` frames however
  many come; shuffle the clips, for the first ones should be typical.

  Args:
    batches: Frames without padding.
    num_clusters: K.
    seed: Same seed and same batches, same centroids.
    num_first: Frames held in memory.
    iterations: Number of iterations of Lloyd's algorithm.

  Raises:
    UserError: There are fewer frames than clusters.
  """
  batches = iter(batches)
  first = _take(batches, num_first)
  if len(first) < num_clusters:
    raise UserError(
        f'{len(first)} frames cannot form {num_clusters} clusters; give more'
        ' audio or a smaller number of clusters.'
    )
  mean, std = first.mean(axis=0), np.maximum(first.std(axis=0), 1e-5)
  # In place, as these may be gigabytes.
  first -= mean[None]
  first /= std[None]
  random = np.random.default_rng(seed)
  clusters = _lloyd(first, num_clusters, iterations, random)
  for piece in _pieces((x - mean[None]) / std[None] for x in batches):
    clusters = _follow(clusters, piece, random)
  return KMeans(mean, std, np.asarray(clusters.centroids))


def _lloyd(
    x: Float[np.ndarray, 'n D'],
    num_clusters: int,
    iterations: int,
    random: np.random.Generator,
) -> Clusters:
  """Clusters frames in memory."""
  centroids = clustering.seeds(x, num_clusters, random)
  for iteration in range(iterations):
    parts = [clustering.members(piece, centroids) for piece in _pieces([x])]
    clusters = clustering.move(
        Clusters(centroids, jnp.zeros(num_clusters)),
        sum(part.sums for part in parts),
        sum(part.counts for part in parts),
    )
    if iteration < iterations - 1:
      distances = np.concatenate([part.distances for part in parts])
      clusters = clustering.revive(clusters, x, distances, random)
    centroids = clusters.centroids
  return clusters


def _follow(
    clusters: Clusters, x: Float[np.ndarray, 'n D'], random: np.random.Generator
) -> Clusters:
  """Moves centroids to the mean of all the frames they ever got."""
  part = clustering.members(x, clusters.centroids)
  clusters = clustering.move(clusters, part.sums, part.counts)
  return clustering.revive(clusters, x, np.asarray(part.distances), random)


def _take(
    batches: Iterator[Float[np.ndarray, '_ D']], count: int
) -> Float[np.ndarray, 'n D']:
  """The first frames, at least `count` if there are so many."""
  taken, size = [], 0
  for batch in batches:
    taken.append(np.asarray(batch, np.float32))
    size += len(batch)
    if size >= count:
      break
  return np.concatenate(taken) if taken else np.zeros((0, 1), np.float32)


def _pieces(
    batches: Iterable[Float[np.ndarray, '_ D']],
) -> Iterator[Float[np.ndarray, 'n D']]:
  """The same frames in pieces of one size, but for the last."""
  held = []
  for batch in batches:
    held.append(np.asarray(batch, np.float32))
    if sum(map(len, held)) >= PIECE:
      frames = np.concatenate(held)
      whole = len(frames) // PIECE * PIECE
      yield from np.split(frames[:whole], whole // PIECE)
      held = [frames[whole:]]
  if sum(map(len, held)):
    yield np.concatenate(held)
