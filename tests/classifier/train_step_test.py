"""Tests audiolm_jax/classifier/train_step.py."""

import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audiolm_jax.bundle import parts
from audiolm_jax.classifier.train_step import ClassifierTrainStep
from audiolm_jax.training import optimizers
from audiolm_jax.training.partitioning import (
    Partitioner,
    make_mesh,
    standard_logical_axis_rules,
)
from audiolm_jax.training.state import TrainStep, is_boxed

from . import tiny

KEY = jax.random.key(0)


@functools.cache
def learner(**settings) -> ClassifierTrainStep:
  return ClassifierTrainStep(tiny.MODEL, optimizers.adam(1e-2), **settings)


@functools.cache
def jitted(name, **settings):
  return jax.jit(getattr(learner(**settings), name))


def batch(seed: int = 0, num_rows: int = 8):
  label = np.arange(num_rows, dtype=np.int32) % 2
  rng = np.random.default_rng(seed)
  hertz = np.where(label, 300, 3000) * rng.uniform(0.8, 1.2, num_rows)
  tones = [tiny.tone(h, 0.2, seed) for h in hertz]
  return {'waveform': np.stack(tones), 'label': label}


def test_it_keeps_the_contract_of_the_train_loop():
  assert isinstance(learner(), TrainStep)


def test_it_learns_and_evaluates_with_the_running_statistics():
  state = jitted('init')(KEY, batch())
  step, evaluate = jitted('step'), jitted('evaluate')
  before = evaluate(state, batch(99))
  for seed in range(15):
    state, metrics = step(state, batch(seed), KEY)
  after = evaluate(state, batch(99))
  assert metrics['accuracy'] == after['accuracy'] == 1 and after['weight'] == 8
  assert after['loss'] < 0.1 < before['loss']
  shuffled = batch(99) | {'label': 1 - batch(99)['label']}
  assert evaluate(state, shuffled)['accuracy'] == 0
  fresh = jax.tree.map(jnp.zeros_like, state.mutables)
  other = evaluate(state.replace(mutables=fresh), batch(99))
  assert other['loss'] != after['loss']


def test_the_loss_is_the_cross_entropy_of_the_smoothed_labels():
  data = batch()
  state = jitted('init')(KEY, data)
  variables = {'params': state.params, **state.mutables}
  logits = jax.jit(tiny.MODEL.apply)(variables, data['waveform'])
  logs = np.asarray(jax.nn.log_softmax(logits))
  right = logs[np.arange(8), data['label']]
  expected = -(0.9 * right + 0.1 * logs[np.arange(8), 1 - data['label']])
  found = jitted('evaluate', label_smoothing=0.2)(state, data)
  assert found['loss'] == pytest.approx(expected.mean(), rel=1e-5)


def test_its_axes_have_names_and_a_mesh_changes_nothing():
  variables = jax.eval_shape(learner().variables, KEY, batch())
  leaves = jax.tree.leaves(variables['params'], is_leaf=is_boxed)
  assert all(map(is_boxed, leaves))
  partitioner = Partitioner(make_mesh(4), standard_logical_axis_rules())
  compiled = partitioner.compile(learner(), KEY, batch())
  spread, _ = compiled.step(compiled.init(), partitioner.put(batch()), KEY)
  alone = jitted('init')(KEY, batch())
  alone, _ = jitted('step')(alone, batch(), KEY)
  # The statistics are those of the whole batch.
  jax.tree.map(
      lambda one, four: np.testing.assert_allclose(one, four, 1e-3, 1e-5),
      alone.mutables,
      spread.mutables,
  )


def test_its_configuration_rebuilds_the_model():
  config = json.loads(json.dumps(learner().model_config()))
  assert config['kind'] == 'classifier'
  assert config['labels'] == ['original', 'generated']
  assert parts.build(config) == tiny.MODEL
