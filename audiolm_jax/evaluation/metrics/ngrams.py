"""Unigram and bigram models of ids: what a language model must beat."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

# Added to every count of the unigram, Jeffreys' choice.
ADDED_COUNT = 0.5
# Weights of the unigram in the bigram, in counts, to choose from.
PRIOR_COUNTS = 2.0 ** np.arange(0, 15)


class Unigram(NamedTuple):
  """Probability of an id given what ids may stand there.

  Attributes:
    log_probabilities: Log probability of each id within its group, in nats.
  """

  log_probabilities: Float[np.ndarray, ' V']


class Bigram(NamedTuple):
  """Probability of an id given the one before, interpolated with the unigram.

  p(id | before) = (count(before, id) + a p(id)) / (count(before) + a).

  Attributes:
    unigram: Unigram that the bigram is interpolated with.
    pairs: Ascending keys before * V + id of the pairs that occur.
    pair_counts: Their counts.
    before_counts: Count of each id as the first of a pair.
    prior_count: a, in counts.
  """

  unigram: Unigram
  pairs: Int[np.ndarray, ' P']
  pair_counts: Int[np.ndarray, ' P']
  before_counts: Int[np.ndarray, ' V']
  prior_count: float


def fit_unigram(
    targets: Int[np.ndarray, ' L'], groups: Int[np.ndarray, ' V']
) -> Unigram:
  """Counts ids, with add-k smoothing within each group.

  Args:
    targets: All training targets.
    groups: Group of each id. A stage's grammar says which quantizer level comes
      next, so a fair unigram knows it too: a group is a level. -1 for ids that
      are never predicted.
  """
  counts = np.bincount(targets, minlength=len(groups)) + ADDED_COUNT
  used = groups >= 0
  totals = np.bincount(groups[used], weights=counts[used])
  with np.errstate(divide='ignore'):
    shares = np.where(used, counts / totals[groups], 0.0)
    return Unigram(np.log(shares))


def fit_bigram(
    before: Int[np.ndarray, ' L'],
    targets: Int[np.ndarray, ' L'],
    unigram: Unigram,
) -> Bigram:
  """Counts pairs; the prior's weight is the best by leave-one-out on them."""
  num_ids = len(unigram.log_probabilities)
  pairs, pair_counts = np.unique(
      before.astype(np.int64) * num_ids + targets, return_counts=True
  )
  before_counts = np.bincount(before, minlength=num_ids)
  losses = [
      _left_out_loss(pairs, pair_counts, before_counts, unigram, prior)
      for prior in PRIOR_COUNTS
  ]
  prior = float(PRIOR_COUNTS[np.argmin(losses)])
  return Bigram(unigram, pairs, pair_counts, before_counts, prior)


def _left_out_loss(
    pairs: Int[np.ndarray, ' P'],
    pair_counts: Int[np.ndarray, ' P'],
    before_counts: Int[np.ndarray, ' V'],
    unigram: Unigram,
    prior: float,
) -> float:
  """Loss on the training pairs, each under the counts of all the others."""
  before, target = np.divmod(pairs, len(before_counts))
  expected = prior * np.exp(unigram.log_probabilities[target])
  probability = (pair_counts - 1 + expected) / (
      before_counts[before] - 1 + prior
  )
  return float(-(pair_counts * np.log(probability)).sum())


def unigram_nats(
    unigram: Unigram, targets: Int[np.ndarray, ' L']
) -> Float[np.ndarray, ' L']:
  """-log p of each target."""
  return -unigram.log_probabilities[targets]


def bigram_nats(
    bigram: Bigram,
    before: Int[np.ndarray, ' L'],
    targets: Int[np.ndarray, ' L'],
) -> Float[np.ndarray, ' L']:
  """-log p of each target given the id before it."""
  keys = before.astype(np.int64) * len(bigram.before_counts) + targets
  places = np.searchsorted(bigram.pairs, keys).clip(max=len(bigram.pairs) - 1)
  seen = bigram.pairs[places] == keys
  counts = np.where(seen, bigram.pair_counts[places], 0)
  expected = bigram.prior_count * np.exp(
      bigram.unigram.log_probabilities[targets]
  )
  totals = bigram.before_counts[before] + bigram.prior_count
  return -np.log((counts + expected) / totals)
