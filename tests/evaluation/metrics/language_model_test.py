"""Tests `audiolm_jax/evaluation/metrics/language_model.py`."""

import numpy as np
import pytest

from audiolm_jax.evaluation.metrics import language_model

NUM_LEVELS, SIZE = 2, 5
# PAD and EOS, then one range a level.
GROUPS = np.repeat([-1, 0, 0, 1], [1, 1, SIZE, SIZE])


def batch(seed: int, prefix: int = 3) -> dict[str, np.ndarray]:
  """Rows of two-level frames after a prefix that gets no loss."""
  random = np.random.default_rng(seed)
  codes = random.integers(0, SIZE, (4, 20, NUM_LEVELS))
  codes[..., 1] = (codes[..., 0] + 1) % SIZE  # Level 2 follows from level 1.
  ids = (2 + codes + SIZE * np.arange(NUM_LEVELS)).reshape(4, -1)
  weights = np.ones(ids.shape, np.float32)
  weights[:, :prefix] = 0
  inputs = np.pad(ids[:, :-1], ((0, 0), (1, 0)))
  return {'inputs': inputs, 'targets': ids, 'loss_weights': weights}


def uniform(batch):
  return np.full(batch['targets'].shape, np.log(SIZE))


def evaluate(nats, num_batches: int = 30) -> language_model.Evaluation:
  return language_model.evaluate(
      nats, (batch(i) for i in range(1, num_batches)), [batch(0)], GROUPS
  )


def test_only_weighted_targets_count():
  def nats(batch):
    return np.where(batch['loss_weights'] > 0, 1.5, 1e9)

  result = evaluate(nats)
  assert result.total.model == 1.5
  assert result.total.num_tokens == batch(0)['loss_weights'].sum()


def test_baselines_are_those_of_each_level():
  first, second = evaluate(uniform).levels
  assert first.bigram == pytest.approx(np.log(SIZE), abs=0.05)
  assert second.bigram == pytest.approx(0.0, abs=0.01)
  assert second.unigram == pytest.approx(np.log(SIZE), abs=0.05)


def test_levels_average_to_the_total():
  result = evaluate(uniform)
  weights = [losses.num_tokens for losses in result.levels]
  assert sum(weights) == result.total.num_tokens
  for name in ('model', 'unigram', 'bigram'):
    values = [getattr(losses, name) for losses in result.levels]
    mean = np.average(values, weights=weights)
    assert mean == pytest.approx(getattr(result.total, name))


def test_the_bigram_reads_the_inputs_not_the_neighbouring_target():
  shuffled = batch(0)
  blind = {**shuffled, 'inputs': np.zeros_like(shuffled['inputs'])}
  seen = evaluate(uniform).levels[1].bigram
  unseen = language_model.evaluate(uniform, [batch(1)], [blind], GROUPS).levels[
      1
  ]
  assert unseen.bigram > seen + 1.0
