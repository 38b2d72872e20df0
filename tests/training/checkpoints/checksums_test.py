"""Tests audiolm_jax/training/checkpoints/checksums.py."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.sharding import NamedSharding, PartitionSpec

from audiolm_jax.training.checkpoints import checksums
from audiolm_jax.training.partitioning import make_mesh

DTYPES = ('float32', 'bfloat16', 'int32', 'uint8', 'bool')


def values(dtype):
  raw = np.random.default_rng(0).integers(0, 100, (8, 12))
  return jnp.asarray(raw).astype(dtype)


@pytest.mark.parametrize('dtype', DTYPES)
@pytest.mark.parametrize('spec', [(), ('data',), ('data', 'model')], ids=str)
def test_no_layout_changes_a_checksum(dtype, spec):
  x = values(dtype)
  mesh = make_mesh(4, 2)
  shared = jax.device_put(x, NamedSharding(mesh, PartitionSpec(*spec)))
  expected = checksums.of_leaves({'x': x})
  assert checksums.of_leaves({'x': shared}) == expected
  assert checksums.changed({'x': shared}, expected) == []


@settings(deadline=None)
@given(st.integers(0, 7), st.integers(0, 11), st.integers(0, 31))
def test_every_single_bit_counts(row, column, bit):
  x = np.asarray(values('float32')).copy()
  tree = {'a': {'x': x, 'y': x}}
  expected = checksums.of_leaves(tree)
  x = x.copy()
  x.view(np.uint32)[row, column] ^= np.uint32(1 << bit)
  assert checksums.changed({'a': {'x': x, 'y': tree['a']['y']}}, expected) == [
      'a/x'
  ]


def test_order_shape_and_signs_of_zero_count():
  x = jnp.arange(6.0)
  variants = [x, x[::-1], jnp.roll(x, 1), -x, jnp.zeros(6), -jnp.zeros(6)]
  found = {checksums.of_leaves({'x': v})['x'] for v in variants}
  assert len(found) == len(variants)


def test_an_array_that_was_not_there_counts_as_changed():
  assert checksums.changed({'x': jnp.ones(2)}, {}) == ['x']
