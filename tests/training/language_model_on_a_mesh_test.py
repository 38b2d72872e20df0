"""Tests audiolm_jax/training with the model it is for."""

import jax
import numpy as np
import pytest

from audiolm_jax.lm.train_step import LanguageModelTrainStep
from audiolm_jax.lm.transformer import Transformer
from audiolm_jax.training import optimizers
from audiolm_jax.training.partitioning import (
    Partitioner,
    make_mesh,
    standard_logical_axis_rules,
)

KEY = jax.random.key(0)
LENGTH = 12


def batch(seed):
  rng = np.random.default_rng(seed)
  ids = rng.integers(2, 32, (4, LENGTH), np.int32)
  return {
      'inputs': np.pad(ids, ((0, 0), (1, 0)))[:, :-1],
      'targets': ids,
      'segment_ids': np.ones_like(ids),
      'loss_weights': rng.random(ids.shape, np.float32),
      'positions': np.arange(LENGTH, dtype=np.int32),
  }


def train(data, model, fsdp):
  partitioner = Partitioner(
      make_mesh(data, model), standard_logical_axis_rules(fsdp)
  )
  transformer = Transformer(
      vocab_size=32,
      num_layers=2,
      embed_dim=16,
      num_heads=4,
      head_dim=4,
      mlp_dim=32,
  )
  train_step = LanguageModelTrainStep(transformer, optimizers.adafactor(0.1))
  compiled = partitioner.compile(train_step, KEY, batch(0))
  state = compiled.init()
  for step in range(3):
    state, metrics = compiled.step(state, partitioner.put(batch(step)), KEY)
  return state, metrics, compiled.evaluate(state, partitioner.put(batch(9)))


@pytest.mark.slow
def test_a_language_model_learns_the_same_on_any_mesh():
  one = train(1, 1, fsdp=False)
  four = train(2, 2, fsdp=True)
  jax.tree.map(
      lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-5),
      one,
      four,
  )
