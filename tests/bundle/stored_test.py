"""Tests audiolm_jax/bundle/stored.py."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from audiolm_jax.bundle import stored


def arrays(seed, rows, columns, scale):
  random = np.random.default_rng(seed)
  kernel = random.normal(size=(rows, columns)) * scale
  bias = random.normal(size=columns)
  return {
      'kernel': kernel.astype(np.float32),
      'bias': bias.astype(np.float32),
      'nothing': np.zeros((80, 80), np.float32),
  }


@pytest.mark.parametrize('dtype', stored.DTYPES)
@hypothesis.given(
    st.integers(0, 99),
    st.integers(60, 90),
    st.integers(70, 100),
    st.floats(-20, 4).map(lambda power: 2.0**power),
)
@hypothesis.settings(max_examples=20, deadline=None)
def test_what_was_rounded_once_is_not_rounded_again(
    dtype, seed, rows, columns, scale
):
  given = arrays(seed, rows, columns, scale)
  once = stored.widen(stored.shrink(given, dtype))
  again = stored.widen(stored.shrink(once, dtype))
  assert once.keys() == given.keys()
  for name, array in once.items():
    assert array.dtype == np.float32 and array.shape == given[name].shape
    np.testing.assert_array_equal(again[name], array)


@hypothesis.given(st.integers(0, 99), st.sampled_from([1e-3, 1.0, 100.0]))
@hypothesis.settings(max_examples=20, deadline=None)
def test_integers_are_within_half_a_step_of_the_numbers(seed, scale):
  given = arrays(seed, 64, 64, scale)
  wide = stored.widen(stored.shrink(given, 'int8'))
  # A row is a block here; its largest number is 127 steps.
  steps = np.abs(given['kernel']).max(axis=1, keepdims=True) / 127
  error = np.abs(wide['kernel'] - given['kernel'])
  assert (error <= steps * 0.52).all()
  assert error.max() > steps.max() * 0.3
  np.testing.assert_array_equal(wide['nothing'], 0)


def test_integers_take_a_quarter():
  given = arrays(0, 256, 256, 1.0)
  size = sum(array.nbytes for array in given.values())
  shrunk = stored.shrink(given, 'int8')
  assert sum(array.nbytes for array in shrunk.values()) < 0.27 * size


@pytest.mark.parametrize('dtype', ['float16', 'int8'])
def test_a_number_too_large_for_float16_is_named(dtype):
  with pytest.raises(ValueError, match='loud'):
    stored.shrink({'loud': np.full(3, 1e6, np.float32)}, dtype)
