"""Tests `audiolm_jax/lm/sampling/network.py`."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audiolm_jax.lm.sampling import network
from audiolm_jax.lm.sampling.network import Cache

from ..tiny import MODEL, draw_ids, logits_of, params, weights

LENGTH = 13
INDEX = np.arange(LENGTH, dtype=np.int32)
# A prefix at half the frame rate, then a target of two levels.
TIME = np.int32([0, 2, 4, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4])
# Rows whose prompts have other lengths.
EACH = np.stack([TIME, np.roll(TIME, 1), INDEX])


def padding(*amounts):
  """Where rows are valid that begin late."""
  return INDEX[None] >= np.array(amounts)[:, None]


def decode(inputs, valid, positions, num_prefilled, model=MODEL, packed=None):
  """Logits of all ids behind the prefilled places, one step after another."""
  packed, positions = packed or weights(), jnp.asarray(positions)
  first = slice(num_prefilled)
  caches = jax.jit(functools.partial(network.prefill, model))(
      packed, inputs[:, first], valid[:, first], positions[:, first]
  )
  room = ((0, 0), (0, 0), (0, LENGTH - num_prefilled))
  caches = jax.tree.map(lambda leaf: jnp.pad(leaf, room), caches)

  @jax.jit
  def step(index, caches):
    query = jax.lax.dynamic_slice_in_dim(positions, index, 1, axis=1)
    bias = network.distance_bias(packed, query, positions)[:, :, 0]
    seen = (valid & (INDEX <= index)[None])[:, None]
    bias = jnp.where(seen, bias, -jnp.inf)
    x, caches = network.step(
        model, packed, inputs[:, index], bias, caches, index
    )
    return network.logits(x, packed.embedding), caches

  found = []
  for index in range(num_prefilled, LENGTH):
    logits, caches = step(np.int32(index), caches)
    found.append(logits)
  return np.stack(found, axis=1)


def expected(inputs, valid, positions, num_prefilled, model=MODEL):
  """The same by one pass over each row."""
  rows = [
      logits_of(
          inputs[row][None], positions[row], np.int32(valid[row])[None], model
      )
      for row in range(len(inputs))
  ]
  return np.concatenate(rows)[:, num_prefilled:]


@pytest.mark.parametrize(
    'positions', [INDEX[None], TIME[None], EACH], ids=['index', 'time', 'each']
)
@pytest.mark.parametrize('num_prefilled', [1, 4, 7])
def test_prefill_and_steps_equal_one_pass(positions, num_prefilled):
  args = draw_ids(3, LENGTH), padding(0, 0, 0)
  rows = positions.repeat(3 // len(positions), axis=0)
  np.testing.assert_allclose(
      decode(*args, positions, num_prefilled),
      expected(*args, rows, num_prefilled),
      atol=1e-4,
  )


@pytest.mark.parametrize('num_prefilled', [1, 7])
def test_a_bias_of_the_past_alone_steps_as_it_passes(num_prefilled):
  model = MODEL.clone(bidirectional_bias=False)
  args = draw_ids(3, LENGTH), padding(0, 0, 0)
  packed = network.pack(model, params())
  # Places below zero, as the sampler counts them left of what it draws.
  positions = INDEX[None].repeat(3, axis=0) - 5
  found = decode(*args, positions, num_prefilled, model, packed)
  wanted = expected(*args, positions, num_prefilled, model)
  np.testing.assert_allclose(found, wanted, atol=1e-4)
  both = expected(*args, positions, num_prefilled)
  assert np.abs(wanted - both).max() > 0.01


@pytest.mark.parametrize('positions', [INDEX[None], EACH], ids=['one', 'each'])
def test_nothing_looks_at_padding_on_the_left(positions):
  valid, ids = padding(0, 2, 6), draw_ids(3, LENGTH)
  rows = positions.repeat(3 // len(positions), axis=0)
  found = decode(ids, valid, positions, 7)
  np.testing.assert_allclose(found, expected(ids, valid, rows, 7), atol=1e-4)
  others = jnp.where(valid, ids, draw_ids(3, LENGTH, seed=1))
  np.testing.assert_array_equal(found, decode(others, valid, positions, 7))


def test_bfloat16_is_near_float32():
  model = MODEL.clone(dtype=jnp.bfloat16)
  packed = network.pack(model, params())
  args = draw_ids(3, LENGTH), padding(0, 1, 2), TIME[None]
  found = decode(*args, 4, model, packed)
  assert packed.layers[0].qkv.dtype == jnp.bfloat16
  assert found.dtype == jnp.float32
  np.testing.assert_allclose(found, decode(*args, 4), atol=0.3)


@pytest.mark.parametrize('kind', ['bfloat16', 'int8'])
def test_narrow_weights_are_near_full_ones_in_prefill_and_steps(kind):
  packed = network.pack(MODEL, params(), kind)
  args = draw_ids(3, LENGTH), padding(0, 1, 2), TIME[None]
  found, full = decode(*args, 4, packed=packed), decode(*args, 4)
  assert 0 < np.abs(found - full).mean() < 0.1
  # A last bit may lie between two roundings, but hardly ever does.
  later = decode(*args, 7, packed=packed)
  assert np.abs(found[:, 3:] - later).mean() < 0.01


def test_logits_of_some_ids_are_those_of_all():
  x, rows = jax.random.normal(jax.random.key(0), (3, 8)), slice(5, 9)
  embedding = weights().embedding
  np.testing.assert_allclose(
      network.logits(x, embedding[rows]),
      network.logits(x, embedding)[:, rows],
      rtol=1e-6,
  )


def test_a_step_writes_one_place_of_the_cache():
  filled = Cache(jnp.ones((6, 4, 9)), jnp.ones((6, 4, 9)))
  _, caches = network.step(
      MODEL,
      weights(),
      jnp.array([2, 3, 4]),
      jnp.zeros((3, 2, 9)),
      [filled, filled],
      jnp.int32(5),
  )
  for cache in caches:
    for leaf in cache:
      changed = np.any(leaf != 1, axis=(0, 1))
      assert np.flatnonzero(changed).tolist() == [5]
