"""Tests of how codebooks learn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec

from audiolm_jax.soundstream import codebooks, quantizer
from audiolm_jax.training.partitioning import make_mesh

initialize = jax.jit(codebooks.initialize)


def noise(step, rows=4, frames=25, width=8):
  key = jax.random.fold_in(jax.random.key(0), step)
  return jax.random.normal(key, (rows, frames, width))


@jax.jit
def learn(books, z, num_levels, mask, step):
  quantized = quantizer.quantize(z, books.vectors, num_levels, mask)
  key = jax.random.fold_in(jax.random.key(1), step)
  return codebooks.update(books, quantized, key), quantized.codes


def full(z, levels):
  return jnp.full(len(z), levels), jnp.ones(z.shape[:2], bool)


def initialized(levels=3, size=8, **shape):
  z = noise(0, **shape)
  mask = jnp.ones(z.shape[:2], bool)
  books = codebooks.empty(levels, size, z.shape[-1])
  return initialize(books, z, mask, jax.random.key(2))


def test_codes_out_of_reach_come_back():
  vectors = jax.random.normal(jax.random.key(3), (1, 64, 8))
  vectors = vectors.at[:, 32:].add(1000.0)
  books = codebooks.Codebooks(
      vectors, vectors, jnp.ones((1, 64)), jnp.array(True)
  )
  used = set()
  for step in range(300):
    z = noise(step)
    books, codes = learn(books, z, *full(z, 1), step)
    if step >= 200:
      used.update(np.unique(codes).tolist())
  assert len(used) == 64
  assert jnp.abs(books.vectors).max() < 10


def test_codebooks_larger_than_a_batch_fill():
  """Sixteen times as many codes as frames: none is there twice."""
  books = initialized(levels=1, size=1600)
  seen = set()
  for step in range(40):
    books, _ = learn(books, noise(step), *full(noise(step), 1), step)
  assert len(np.unique(np.asarray(books.vectors[0]), axis=0)) > 1500
  for step in range(40, 140):
    seen.update(
        np.unique(learn(books, noise(step), *full(noise(step), 1), 0)[1])
    )
  assert len(seen) > 1200


def test_kmeans_finds_the_clusters_of_the_first_batch():
  centres = 10 * jnp.eye(4, 8)
  z = centres[jnp.arange(100) % 4][None] + 0.1 * noise(0, 1, 100)
  books = codebooks.empty(1, 4, 8)
  books = initialize(books, z, jnp.ones((1, 100), bool), jax.random.key(0))
  gaps = jnp.square(centres[:, None] - books.vectors).sum(axis=-1).min(axis=-1)
  assert jnp.sqrt(gaps).max() < 0.2
  np.testing.assert_allclose(books.usage, 25.0)


def test_levels_start_from_what_the_levels_before_leave():
  z = noise(0)
  books = initialized(levels=3, size=8)
  energies = [jnp.square(z).mean()]
  codes = quantizer.encode(z, books.vectors)
  for level in range(1, 4):
    left = z - quantizer.decode(codes[..., :level], books.vectors)
    energies.append(jnp.square(left).mean())
  assert all(b < 0.9 * a for a, b in zip(energies, energies[1:], strict=False))


def test_only_the_first_batch_initializes():
  books = initialized()
  z = noise(1)
  again = initialize(books, z, jnp.ones(z.shape[:2], bool), jax.random.key(3))
  jax.tree.map(np.testing.assert_array_equal, again, books)


def test_update_is_the_moving_average_of_the_assigned():
  books = initialized(levels=1, size=4)
  z = noise(1)
  after, codes = learn(books, z, *full(z, 1), 0)
  for k in range(4):
    mine = z[codes[..., 0] == k]
    usage = 0.99 * books.usage[0, k] + 0.01 * len(mine)
    sums = 0.99 * books.sums[0, k] + 0.01 * mine.sum(axis=0)
    np.testing.assert_allclose(after.usage[0, k], usage, rtol=1e-5)
    np.testing.assert_allclose(
        after.vectors[0, k], sums / usage, rtol=1e-4, atol=1e-5
    )


def test_vectors_find_the_mean_of_a_constant_source():
  books = initialized(levels=1, size=1)
  for step in range(1500):
    z = 5.0 + 0.1 * noise(step)
    books, _ = learn(books, z, *full(z, 1), step)
  np.testing.assert_allclose(books.vectors, 5.0, atol=0.05)


def test_dropped_levels_learn_nothing():
  books = initialized()
  z = noise(1)
  mask = jnp.ones(z.shape[:2], bool)
  after, _ = learn(books, z, jnp.ones(len(z), int), mask, 0)
  np.testing.assert_allclose(after.vectors[1:], books.vectors[1:], rtol=1e-6)
  np.testing.assert_array_equal(after.usage[1:], books.usage[1:])
  assert jnp.abs(after.vectors[0] - books.vectors[0]).max() > 1e-3


def test_a_row_teaches_only_the_levels_it_kept():
  books = initialized()
  z = noise(1)
  levels = jnp.array([3, 1, 1, 1])
  mask = jnp.ones(z.shape[:2], bool)
  after, _ = learn(books, z, levels, mask, 0)
  alone, _ = learn(books, z, jnp.array([3, 1, 1, 1]), mask.at[1:].set(False), 0)
  np.testing.assert_allclose(after.usage[1:], alone.usage[1:], rtol=1e-6)
  np.testing.assert_allclose(after.sums[1:], alone.sums[1:], rtol=1e-5)


def test_padding_teaches_nothing():
  z = noise(1)
  mask = jnp.arange(25)[None] < jnp.array([25, 10, 3, 0])[:, None]
  loud = jnp.where(mask[..., None], z, 1e6)
  empty = codebooks.empty(3, 8, 8)
  for start in (empty, initialized()):
    results = []
    for points in (z, loud):
      books = initialize(start, points, mask, jax.random.key(0))
      results.append(learn(books, points, jnp.full(4, 3), mask, 0)[0])
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), *results
    )


def test_a_batch_of_padding_changes_nothing():
  books = initialized()
  z = noise(1)
  after, _ = learn(books, z, *full(z, 3)[:1], jnp.zeros(z.shape[:2], bool), 0)
  jax.tree.map(
      lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), after, books
  )


def test_fewer_frames_than_codes_start_well():
  z = noise(0, rows=1, frames=5)
  books = codebooks.empty(2, 16, 8)
  books = initialize(books, z, jnp.ones((1, 5), bool), jax.random.key(0))
  books, _ = learn(books, z, *full(z, 2), 0)
  assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(books))


def test_four_devices_learn_what_one_does():
  mesh = make_mesh(data=4)
  z = noise(0)
  mask = jnp.arange(25)[None] < jnp.array([25, 10, 20, 5])[:, None]
  levels = jnp.array([1, 3, 2, 3])

  @jax.jit
  def start_and_learn(z, levels, mask):
    books = codebooks.empty(3, 8, 8)
    books = codebooks.initialize(books, z, mask, jax.random.key(0))
    return learn(books, z, levels, mask, 0)[0]

  one = start_and_learn(z, levels, mask)
  shard = NamedSharding(mesh, PartitionSpec('data'))
  four = start_and_learn(*jax.device_put((z, levels, mask), shard))
  jax.tree.map(
      lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5),
      four,
      one,
  )


@pytest.mark.parametrize('used', [1, 3, 8])
def test_perplexity_counts_codes_used_alike(used):
  usage = (jnp.arange(8) < used).astype(jnp.float32)[None]
  np.testing.assert_allclose(codebooks.perplexity(usage), used, rtol=1e-5)
  np.testing.assert_array_equal(codebooks.num_dead(usage), 8 - used)
