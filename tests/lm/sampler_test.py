"""Tests `audiolm_jax/lm/sampler.py`."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolm_jax.lm import sampler
from audiolm_jax.lm.transformer import Transformer
from audiolm_jax.tokens.fields import EOS, PAD
from audiolm_jax.training.state import unbox

MODEL = Transformer(
    vocab_size=16,
    num_layers=2,
    embed_dim=8,
    num_heads=2,
    head_dim=4,
    mlp_dim=16,
    num_buckets=8,
    max_distance=16,
)
NUM_PREFIX, NUM_SAMPLES = 5, 9
LENGTH = NUM_PREFIX + NUM_SAMPLES
ANY = np.arange(16)[None].repeat(NUM_SAMPLES, 0) > EOS


@functools.cache
def params():
  ids = jnp.zeros((1, 2), jnp.int32)
  variables = jax.jit(MODEL.init)(jax.random.key(0), ids, ids[0], ids)
  return unbox(variables)['params']


def draw_prefix(rows: int = 4, length: int = NUM_PREFIX, seed: int = 0):
  return np.random.default_rng(seed).integers(2, 16, (rows, length), np.int32)


def sample(
    prefix, allowed=ANY, temperature=1.0, keys=None, segments=None, growth=4
):
  # The cache grows twice.
  segments = np.ones_like(prefix) if segments is None else segments
  keys = (
      jax.random.split(jax.random.key(1), len(prefix)) if keys is None else keys
  )
  positions = np.arange(prefix.shape[1] + len(allowed))
  return np.asarray(
      sampler.sample(
          MODEL,
          params(),
          prefix,
          segments,
          positions,
          allowed,
          temperature,
          keys,
          growth,
      )
  )


def logits_of(ids):
  """Of every id given those before it, by the full pass."""
  inputs = jnp.pad(ids, ((0, 0), (1, 0)))[:, :-1]
  positions = jnp.arange(inputs.shape[1])
  args = inputs, positions, jnp.ones_like(inputs)
  return np.asarray(jax.jit(MODEL.apply)({'params': params()}, *args))


@pytest.mark.parametrize('num_prefix', [0, 1, NUM_PREFIX])
def test_greedy_samples_are_the_argmax_of_the_full_pass(num_prefix):
  prefix = draw_prefix(length=num_prefix)
  ids = sample(prefix, temperature=0.0)
  logits = logits_of(np.concatenate([prefix, ids], 1))[:, num_prefix:]
  np.testing.assert_array_equal(ids, np.where(ANY, logits, -np.inf).argmax(-1))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.6, 1.0, 50.0]))
def test_every_id_is_allowed(seed, temperature):
  allowed = np.random.default_rng(seed).random((NUM_SAMPLES, 16)) < 0.2
  allowed[:, 7] = True
  allowed[:, : EOS + 1] = False
  keys = jax.random.split(jax.random.key(seed), 4)
  ids = sample(draw_prefix(seed=seed), allowed, temperature, keys)
  assert allowed[np.arange(NUM_SAMPLES), ids].all()


def test_a_row_is_the_same_alone_and_in_company():
  prefix, keys = draw_prefix(8), jax.random.split(jax.random.key(2), 8)
  together = sample(prefix, keys=keys)
  for row in range(8):
    here = slice(row, row + 1)
    alone = sample(prefix[here], keys=keys[here])
    np.testing.assert_array_equal(alone, together[here])
  assert len(np.unique(sample(prefix[:1].repeat(8, 0), keys=keys), axis=0)) > 1


def test_padding_before_the_prefix_changes_nothing():
  prefix = draw_prefix()
  padded = np.pad(prefix, ((0, 0), (3, 0)))
  segments = np.pad(np.ones_like(prefix), ((0, 0), (3, 0)))
  # Noise is drawn by place, so only the most likely ids can agree.
  np.testing.assert_array_equal(
      sample(padded, temperature=0.0, segments=segments),
      sample(prefix, temperature=0.0),
  )


def test_growth_of_the_cache_changes_nothing():
  prefix = draw_prefix()
  np.testing.assert_array_equal(sample(prefix), sample(prefix, growth=100))


def test_nothing_follows_the_end():
  allowed = ANY.copy()
  allowed[:, EOS] = True
  ids = sample(draw_prefix(64), allowed, temperature=3.0)
  ended = np.cumsum(ids == EOS, axis=1) > 0
  assert 0 < ended[:, -1].sum() < 64
  np.testing.assert_array_equal(ids == PAD, ended & (ids != EOS))


def test_frequencies_are_the_softmax_at_the_temperature():
  prefix = draw_prefix(1)
  rows = 4000
  ids = sample(prefix.repeat(rows, 0), ANY[:1], temperature=0.7)[:, 0]
  logits = logits_of(np.pad(prefix, ((0, 0), (0, 1))))[0, -1] / 0.7
  p = np.where(ANY[0], np.exp(logits - logits.max()), 0)
  p /= p.sum()
  found = np.bincount(ids, minlength=16) / rows
  # Six standard errors.
  assert (np.abs(found - p) <= 6 * np.sqrt(p * (1 - p) / rows)).all()
