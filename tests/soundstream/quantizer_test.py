"""Tests of residual quantization."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolm_jax.soundstream import quantizer


def example(seed, levels=4, size=8, width=3):
  z_key, vectors_key = jax.random.split(jax.random.key(seed))
  scale = 0.5 ** jnp.arange(levels)[:, None, None]
  vectors = scale * jax.random.normal(vectors_key, (levels, size, width))
  return jax.random.normal(z_key, (2, 5, width)), vectors


@jax.jit
def left_over(z, vectors):
  """Codes of all levels, and of levels 1.. of what each prefix left over."""
  codes = quantizer.encode(z, vectors)
  rests = [
      quantizer.encode(
          z - quantizer.decode(codes[..., :level], vectors), vectors[level:]
      )
      for level in range(1, len(vectors))
  ]
  return codes, rests


def everything(z, levels=4):
  return jnp.full(len(z), levels), jnp.ones(z.shape[:2], bool)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_first_level_is_the_nearest_vector(seed):
  z, vectors = example(seed)
  gaps = np.asarray(z)[:, :, None] - np.asarray(vectors[0])
  expected = np.square(gaps).sum(axis=-1).argmin(axis=-1)
  codes, _ = left_over(z, vectors)
  np.testing.assert_array_equal(codes[..., 0], expected)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_each_level_quantizes_what_is_left(seed):
  z, vectors = example(seed)
  codes, rests = left_over(z, vectors)
  for level, rest in enumerate(rests, start=1):
    np.testing.assert_array_equal(rest, codes[..., level:])


def test_codes_of_decoded_codes_are_the_codes():
  vectors = jnp.array([[[0.0, 8.0], [8.0, 0.0]], [[0.0, 1.0], [1.0, 0.0]]])
  codes = jnp.array([[[0, 0], [0, 1], [1, 0], [1, 1]]])
  decoded = quantizer.decode(codes, vectors)
  np.testing.assert_array_equal(quantizer.encode(decoded, vectors), codes)


def test_quantize_agrees_with_encode_and_decode():
  z, vectors = example(0)
  quantized = quantizer.quantize(z, vectors, *everything(z))
  np.testing.assert_array_equal(quantized.codes, quantizer.encode(z, vectors))
  expected = quantizer.decode(quantized.codes, vectors)
  np.testing.assert_allclose(quantized.z, expected, atol=1e-6)


def test_dropped_levels_are_not_in_z():
  z, vectors = example(0)
  num_levels = jnp.array([1, 3])
  _, mask = everything(z)
  quantized = quantizer.quantize(z, vectors, num_levels, mask)
  for row, kept in enumerate(num_levels):
    codes = quantized.codes[row : row + 1, :, :kept]
    expected = quantizer.decode(codes, vectors)[0]
    np.testing.assert_allclose(quantized.z[row], expected, atol=1e-6)
  assert quantized.used[0].sum() == 5 and quantized.used[1].sum() == 15


def test_gradient_passes_straight_through():
  z, vectors = example(0)
  weights = jnp.arange(z.size, dtype=jnp.float32).reshape(z.shape)

  def loss(z):
    return (quantizer.quantize(z, vectors, *everything(z)).z * weights).sum()

  np.testing.assert_array_equal(jax.grad(loss)(z), weights)


def test_commitment_pulls_z_to_its_vectors():
  z, vectors = example(0, levels=1)
  levels, mask = everything(z, levels=1)

  def loss(z):
    return quantizer.quantize(z, vectors, levels, mask).commitment

  nearest = quantizer.decode(quantizer.encode(z, vectors), vectors)
  np.testing.assert_allclose(
      jax.grad(loss)(z), 2 * (z - nearest) / z.size, atol=1e-6
  )


def test_padding_does_not_commit():
  z, vectors = example(0)
  levels, mask = everything(z)
  mask = mask.at[0, 2:].set(False)

  def loss(z):
    return quantizer.quantize(z, vectors, levels, mask).commitment

  gradient = jax.grad(loss)(z)
  assert jnp.abs(gradient[0, 2:]).max() == 0
  assert jnp.abs(gradient[0, :2]).min() > 0


def test_dropout_draws_every_number_of_levels():
  draws = quantizer.draw_num_levels(jax.random.key(0), 3000, 3)
  counts = np.bincount(draws, minlength=5)
  assert counts[0] == counts[4] == 0
  assert counts[1:4].min() > 900


def test_a_share_of_the_rows_keeps_all_levels():
  draws = quantizer.draw_num_levels(jax.random.key(0), 600, 3, full_share=0.5)
  assert (draws[:300] == 3).all()
  assert np.bincount(draws[300:], minlength=4)[1:].min() > 70


@pytest.mark.parametrize('size', [1, 5, 16384])
def test_of_equally_near_vectors_the_first_is_taken(size):
  vectors = jax.random.normal(jax.random.key(0), (size, 3))
  twice = jnp.concatenate([vectors, vectors])
  points = vectors[:: max(size // 40, 1)]
  expected = jnp.arange(size)[:: max(size // 40, 1)]
  np.testing.assert_array_equal(quantizer.nearest(points, twice), expected)
