"""Tests `audiolm_jax/evaluation/metrics/ngrams.py`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolm_jax.evaluation.metrics import ngrams


def markov(transitions: np.ndarray, length: int, seed: int) -> np.ndarray:
  """A sequence of ids in which each depends on the one before."""
  uniform = np.random.default_rng(seed).uniform(size=length)
  edges = transitions.cumsum(axis=1)
  ids = [0]
  for value in uniform:
    ids.append(int(np.searchsorted(edges[ids[-1]], value)))
  return np.array(ids)


def entropies(transitions: np.ndarray) -> tuple[float, float]:
  """Entropy of the stationary distribution, and of the next id given one."""
  stationary = np.linalg.matrix_power(transitions, 1000)[0]
  rows = -(transitions * np.log(transitions)).sum(axis=1)
  marginal = -(stationary * np.log(stationary)).sum()
  return float(marginal), float(stationary @ rows)


def test_on_markov_data_both_reach_their_analytic_entropy():
  transitions = np.random.default_rng(0).dirichlet(np.full(6, 0.5), size=6)
  ids = markov(transitions, 80_000, seed=1)
  train, valid = ids[:60_000], ids[60_000:]
  unigram = ngrams.fit_unigram(train[1:], np.zeros(6, np.int64))
  bigram = ngrams.fit_bigram(train[:-1], train[1:], unigram)
  marginal, conditional = entropies(transitions)
  of_unigram = ngrams.unigram_nats(unigram, valid[1:]).mean()
  of_bigram = ngrams.bigram_nats(bigram, valid[:-1], valid[1:]).mean()
  assert of_unigram == pytest.approx(marginal, abs=0.02)
  assert of_bigram == pytest.approx(conditional, abs=0.02)
  assert of_bigram < of_unigram - 0.1


def test_on_independent_data_the_bigram_is_hardly_worse_than_the_unigram():
  ids = np.random.default_rng(0).integers(0, 200, 5000)
  train, valid = ids[:4000], ids[4000:]
  unigram = ngrams.fit_unigram(train, np.zeros(200, np.int64))
  bigram = ngrams.fit_bigram(train[:-1], train[1:], unigram)
  of_unigram = ngrams.unigram_nats(unigram, valid[1:]).mean()
  of_bigram = ngrams.bigram_nats(bigram, valid[:-1], valid[1:]).mean()
  # Add-k on 4000 pairs of 40000 cells would lose far more than this.
  assert of_bigram == pytest.approx(of_unigram, abs=0.01)


@settings(max_examples=30, deadline=None)
@given(
    num_ids=st.integers(2, 30),
    length=st.integers(2, 200),
    seed=st.integers(0, 1000),
)
def test_probabilities_sum_to_one_after_any_id_seen_or_not(
    num_ids, length, seed
):
  random = np.random.default_rng(seed)
  ids = random.integers(0, num_ids, length)
  unigram = ngrams.fit_unigram(ids[1:], np.zeros(num_ids, np.int64))
  bigram = ngrams.fit_bigram(ids[:-1], ids[1:], unigram)
  every = np.arange(num_ids)
  for before in every:
    nats = ngrams.bigram_nats(bigram, np.full(num_ids, before), every)
    assert np.exp(-nats).sum() == pytest.approx(1.0)


def test_the_unigram_knows_the_group():
  groups = np.array([-1, 0, 1, 1, 2, 2, 2, 2])
  unigram = ngrams.fit_unigram(np.arange(1, 8), groups)
  nats = ngrams.unigram_nats(unigram, np.arange(8))
  np.testing.assert_allclose(nats[1:], np.log([1, 2, 2, 4, 4, 4, 4]))
  assert nats[0] == np.inf
