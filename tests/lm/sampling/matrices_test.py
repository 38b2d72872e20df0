"""Tests `audiolm_jax/lm/sampling/matrices.py`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolm_jax.errors import UserError
from audiolm_jax.lm.sampling import matrices

NARROW = ['bfloat16', 'int8']


def draw(*shape: int, seed: int = 0):
  return jax.random.normal(jax.random.key(seed), shape)


def test_full_is_the_matrix_itself():
  matrix = draw(6, 5)
  assert matrices.keep(matrix, 'full') is matrix
  np.testing.assert_array_equal(
      matrices.multiply(draw(3, 6), matrix), draw(3, 6) @ matrix
  )


@pytest.mark.parametrize('kind', NARROW)
@settings(deadline=None, max_examples=30)
@given(
    log_scales=st.lists(st.floats(-12, 12), min_size=3, max_size=3),
    seed=st.integers(0, 99),
)
def test_narrow_products_are_near_full_ones_at_any_scale(
    kind, log_scales, seed
):
  x = draw(3, 64, seed=seed) * jnp.exp(jnp.array(log_scales))[:, None]
  matrix = draw(64, 32, seed=seed + 100) * np.exp(log_scales[0])
  found = matrices.multiply(x, matrices.keep(matrix, kind))
  lengths = [jnp.linalg.norm(y, axis=a) for y, a in ((x, 1), (matrix, 0))]
  errors = np.abs(found - x @ matrix) / (lengths[0][:, None] * lengths[1][None])
  # Of vectors at right angles, the error is of the size of a rounding.
  assert errors.max() < 0.01
  assert errors.max() > 0


@pytest.mark.parametrize('kind', NARROW)
def test_narrow_matrices_take_fewer_bytes(kind):
  matrix = draw(64, 32)
  kept = matrices.keep(matrix, kind)
  size = sum(leaf.nbytes for leaf in jax.tree.leaves(kept))
  assert size <= matrix.nbytes * {'bfloat16': 0.5, 'int8': 0.27}[kind]


@pytest.mark.parametrize('kind', NARROW)
def test_a_row_is_the_same_alone(kind):
  kept, rows = matrices.keep(draw(64, 32), kind), draw(5, 64, seed=1)
  rows = rows.at[0].multiply(1000)
  together = matrices.multiply(rows, kept)
  for row, expected in zip(rows, together, strict=True):
    alone = matrices.multiply(row[None], kept)[0]
    np.testing.assert_allclose(alone, expected, rtol=1e-5, atol=1e-5)


def test_int8_sums_are_exact_so_that_company_changes_no_bit():
  kept, rows = matrices.keep(draw(512, 32), 'int8'), draw(9, 512, seed=1)
  np.testing.assert_array_equal(
      matrices.multiply(rows, kept)[4], matrices.multiply(rows[4:5], kept)[0]
  )


@pytest.mark.parametrize('kind', NARROW)
def test_places_are_rows_and_the_type_stays(kind):
  kept = matrices.keep(draw(16, 8), kind)
  x = draw(2, 3, 16).astype(jnp.bfloat16)
  found = matrices.multiply(x, kept)
  assert found.shape == (2, 3, 8)
  assert found.dtype == jnp.bfloat16
  np.testing.assert_array_equal(found[1, 2:], matrices.multiply(x[1, 2:], kept))


@pytest.mark.parametrize('kind', NARROW)
def test_nothing_times_nothing_is_nothing(kind):
  kept = matrices.keep(jnp.zeros((16, 8)), kind)
  np.testing.assert_array_equal(matrices.multiply(jnp.zeros((2, 16)), kept), 0)


def test_other_types_are_refused():
  with pytest.raises(UserError, match="'int4'.*full, bfloat16, int8"):
    matrices.keep(draw(2, 2), 'int4')
