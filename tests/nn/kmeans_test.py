import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import MiniBatchKMeans

from audiolm_jax.errors import UserError
from audiolm_jax.nn import kmeans

NUM_CLUSTERS = 20


def blobs(num_points=4000, num_blobs=NUM_CLUSTERS, width=6, seed=0):
  """Groups of unlike size, in dimensions of unlike scale."""
  random = np.random.default_rng(seed)
  centers = random.normal(size=(num_blobs, width)) * 4
  share = random.uniform(0.5, 1.5, num_blobs)
  groups = random.choice(num_blobs, num_points, p=share / share.sum())
  points = centers[groups] + 0.3 * random.normal(size=(num_points, width))
  scales = 10.0 ** np.arange(width)
  return (points * scales + 5 * scales).astype(np.float32), groups


def batches(points, size=333):
  return (points[i : i + size] for i in range(0, len(points), size))


def inertia(points, clusters):
  x = (points - clusters.mean) / clusters.std
  ids = np.asarray(kmeans.assign(points, clusters))
  return np.square(x - clusters.centroids[ids]).sum(axis=1).mean()


@pytest.mark.parametrize('num_first', [500, 10_000])
def test_each_blob_gets_an_id_whatever_the_scale_of_its_dimensions(num_first):
  points, groups = blobs()
  clusters = kmeans.fit(batches(points), NUM_CLUSTERS, num_first=num_first)
  ids = np.asarray(kmeans.assign(points, clusters))
  pairs = set(zip(ids.tolist(), groups.tolist(), strict=True))
  assert len(pairs) <= NUM_CLUSTERS + 2
  assert len(set(ids.tolist())) >= NUM_CLUSTERS - 1


def test_a_stream_serves_as_well_as_scikit_learn():
  points, _ = blobs(num_blobs=60)
  ours = kmeans.fit(batches(points), NUM_CLUSTERS, num_first=1000)
  peer = MiniBatchKMeans(NUM_CLUSTERS, n_init=1, random_state=0)
  peer.fit((points - ours.mean) / ours.std)
  theirs = ours._replace(centroids=peer.cluster_centers_.astype(np.float32))
  assert inertia(points, ours) < 1.1 * inertia(points, theirs)


def test_later_frames_improve_on_the_first():
  points, _ = blobs(num_points=8000, num_blobs=60)
  stream = kmeans.fit(batches(points), NUM_CLUSTERS, num_first=300)
  start = kmeans.fit(batches(points[:333]), NUM_CLUSTERS, num_first=300)
  rest = points[1000:]
  assert inertia(rest, stream) < 0.95 * inertia(rest, start)


def test_centroids_for_new_sounds_are_found_late_in_the_stream():
  points, groups = blobs(num_points=40_000)
  early, late = points[groups < 5], points[groups >= 5]
  both = np.concatenate([early[:5000], late])
  clusters = kmeans.fit(batches(both), NUM_CLUSTERS, num_first=4000)
  assert len(np.unique(kmeans.assign(late, clusters))) >= 10


def test_same_seed_same_centroids_another_seed_others():
  points, _ = blobs()
  one, two, other = (
      kmeans.fit(batches(points), 7, seed=seed, num_first=1000)
      for seed in (1, 1, 2)
  )
  np.testing.assert_array_equal(one.centroids, two.centroids)
  assert not np.array_equal(one.centroids, other.centroids)


@settings(max_examples=20, deadline=None)
@given(num_points=st.integers(1, 40), seed=st.integers(0, 99))
def test_id_is_that_of_the_nearest_centroid(num_points, seed):
  random = np.random.default_rng(seed)
  x = random.normal(size=(num_points, 3)).astype(np.float32)
  clusters = kmeans.KMeans(
      mean=np.full(3, 0.5, np.float32),
      std=np.full(3, 2.0, np.float32),
      centroids=random.normal(size=(5, 3)).astype(np.float32),
  )
  apart = (x[:, None] - 0.5) / 2.0 - clusters.centroids[None]
  distances = np.square(apart).sum(axis=-1)
  ids = np.asarray(jax.jit(kmeans.assign)(x, clusters))
  chosen = distances[np.arange(num_points), ids]
  np.testing.assert_allclose(chosen, distances.min(axis=1), atol=1e-5)


def test_a_dimension_that_never_changes_is_harmless():
  points, _ = blobs()
  points[:, 2] = 1.0
  clusters = kmeans.fit(batches(points), 5)
  assert all(np.isfinite(part).all() for part in clusters)


def test_too_few_frames_are_refused_with_both_numbers():
  with pytest.raises(UserError, match='3 frames cannot form 5 clusters'):
    kmeans.fit([np.zeros((3, 4), np.float32)], 5)
  with pytest.raises(UserError, match='0 frames cannot form 5 clusters'):
    kmeans.fit([], 5)
