"""Tests `audiolm_jax/lm/sampling/methods.py`."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolm_jax.errors import UserError
from audiolm_jax.lm.sampling.methods import Sampling, choose

ROWS, SIZE = 64, 12

choose = jax.jit(choose, static_argnames=('top_k', 'top_p'))


def chosen(logits, temperature=1.0, top_k=0, top_p=1.0, rows=4000, seed=0):
  """Ids that keys of their own choose from the same logits."""
  keys = jax.random.split(jax.random.key(seed), rows)
  logits = jnp.broadcast_to(jnp.float32(logits), (rows, len(logits)))
  return np.asarray(choose(logits, keys, np.float32(temperature), top_k, top_p))


def frequencies(*args, **kwargs):
  ids = chosen(*args, **kwargs)
  size = len(args[0])
  return np.bincount(ids, minlength=size) / len(ids)


def some_logits(seed=0):
  return np.random.default_rng(seed).normal(size=SIZE, scale=2)


def softmax(logits, temperature=1.0):
  odds = np.exp((logits - np.max(logits)) / temperature)
  return odds / odds.sum()


def assert_frequencies(found, odds, rows=4000):
  # Six standard errors.
  assert (np.abs(found - odds) <= 6 * np.sqrt(odds * (1 - odds) / rows)).all()


def allowed(logits, temperature, top_k, top_p):
  """Who may be chosen, one id after another from the likeliest on."""
  odds = softmax(logits, max(temperature, 1e-6))
  order = np.argsort(-odds, kind='stable')[: top_k or None]
  kept, total = set(), 0.0
  for index in order:
    if total >= top_p * odds[order].sum():
      break
    kept.add(int(index))
    total += odds[index]
  return kept


@pytest.mark.parametrize('temperature', [0.5, 1.0, 2.0])
def test_frequencies_are_the_softmax_at_the_temperature(temperature):
  logits = some_logits()
  found = frequencies(logits, temperature)
  assert_frequencies(found, softmax(logits, temperature))


@pytest.mark.parametrize(
    'limits', [(0.0, 0, 1.0), (0.0, 5, 0.5), (1.0, 1, 1.0), (2.0, 0, 1e-6)]
)
def test_the_likeliest_is_chosen_at_temperature_0_or_where_one_may_be(limits):
  logits = some_logits()
  assert set(chosen(logits, *limits)) == {np.argmax(logits)}


@pytest.mark.parametrize('top_k', [SIZE, SIZE + 1, 1000])
def test_a_top_k_of_all_or_more_changes_nothing(top_k):
  np.testing.assert_array_equal(
      chosen(some_logits(), top_k=top_k), chosen(some_logits())
  )


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**31),
    st.sampled_from([0.0, 0.6, 1.0, 5.0]),
    st.sampled_from([0, 1, 3, SIZE]),
    st.sampled_from([0.3, 0.8, 1.0]),
)
def test_every_id_is_among_the_likeliest(seed, temperature, top_k, top_p):
  logits = some_logits(seed)
  ids = chosen(logits, temperature, top_k, top_p, ROWS, seed)
  assert set(ids.tolist()) <= allowed(logits, temperature, top_k, top_p)


def test_a_nucleus_worked_by_hand():
  logits = np.log([0.1, 0.4, 0.2, 0.3])
  # 0.4 + 0.3 reach 0.65, 0.4 alone does not.
  odds = np.array([0, 4, 0, 3]) / 7
  assert_frequencies(frequencies(logits, top_p=0.65), odds)
  odds = np.array([0, 4, 2, 3]) / 9
  assert_frequencies(frequencies(logits, top_p=0.75), odds)


def test_the_nucleus_is_that_of_the_temperature():
  # At 0.5 the odds are 1 : 16 : 4 : 9, and the first two make 25 of 30.
  logits = np.log([0.1, 0.4, 0.2, 0.3])
  odds = np.array([0, 16, 0, 9]) / 25
  assert_frequencies(frequencies(logits, 0.5, top_p=0.8), odds)


def test_the_nucleus_is_of_the_top_k():
  # Of 0.4 and 0.3, 0.4 alone has more than half.
  logits = np.log([0.1, 0.4, 0.2, 0.3])
  assert set(chosen(logits, top_k=2, top_p=0.55)) == {1}


def test_ids_as_likely_as_the_last_of_the_top_k_stay():
  logits = np.array([1.0, 3.0, 1.0, 0.0, 1.0])
  assert set(chosen(logits, top_k=2)) == {0, 1, 2, 4}


@pytest.mark.parametrize(
    'limits', [{}, {'top_k': 3}, {'top_p': 0.9999999}, {'top_p': 0.5}]
)
@pytest.mark.parametrize('temperature', [0.0, 1.0, 50.0])
def test_what_is_out_of_reach_is_never_chosen(limits, temperature):
  logits = np.array([-np.inf, 0.0, -np.inf, -5.0, -np.inf])
  assert set(chosen(logits, temperature, **limits)) <= {1, 3}


def test_a_choice_depends_on_its_own_logits_and_key():
  keys = jax.random.split(jax.random.key(0), ROWS)
  logits = jax.random.normal(jax.random.key(1), (ROWS, SIZE))
  choice = functools.partial(choose, top_k=4, top_p=0.9)
  whole = choice(logits, keys, np.float32(1))
  order = np.random.default_rng(0).permutation(ROWS)[: ROWS // 2]
  part = choice(logits[order], keys[order], np.float32(1))
  np.testing.assert_array_equal(part, whole[order])


@pytest.mark.parametrize(
    ('sampling', 'message'),
    [
        (Sampling(temperature=-0.1), 'temperature is -0.1'),
        (Sampling(temperature=float('nan')), 'temperature is nan'),
        (Sampling(temperature=float('inf')), 'temperature is inf'),
        (Sampling(top_k=-1), 'top_k is -1'),
        (Sampling(top_p=0.0), 'top_p is 0.0'),
        (Sampling(top_p=1.1), 'top_p is 1.1'),
        (Sampling(top_p=float('nan')), 'top_p is nan'),
    ],
    ids=str,
)
def test_numbers_that_make_no_sense_are_refused(sampling, message):
  with pytest.raises(UserError, match=message):
    sampling.check()


def test_sensible_numbers_are_returned():
  for sampling in (Sampling(), Sampling(0.0, 5, 0.3)):
    assert sampling.check() == sampling
