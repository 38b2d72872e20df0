"""Tests `audiolm_jax/lm/train_step.py`."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audiolm_jax.errors import UserError
from audiolm_jax.lm import train_step as steps
from audiolm_jax.lm.train_step import LanguageModelTrainStep
from audiolm_jax.lm.transformer import Transformer
from audiolm_jax.training import optimizers
from audiolm_jax.training.partitioning import (
    Partitioner,
    make_mesh,
    standard_logical_axis_rules,
)
from audiolm_jax.training.state import TrainStep

KEY = jax.random.key(0)


def train_step(**sizes) -> LanguageModelTrainStep:
  fields = {field.name for field in dataclasses.fields(LanguageModelTrainStep)}
  settings = {name: sizes.pop(name) for name in fields & sizes.keys()}
  sizes = {'vocab_size': 16, 'mlp_dim': 16, **sizes}
  model = Transformer(
      num_layers=2, embed_dim=8, num_heads=2, head_dim=4, query_block=6, **sizes
  )
  return LanguageModelTrainStep(model, optimizers.adam(1e-2), **settings)


def batch_of(ids, num_prefix: int = 0):
  weights = np.ones(ids.shape, np.float32)
  weights[:, :num_prefix] = 0
  return {
      'inputs': np.pad(ids, ((0, 0), (1, 0)))[:, :-1].astype(np.int32),
      'targets': ids.astype(np.int32),
      'segment_ids': np.ones(ids.shape, np.int32),
      'loss_weights': weights,
      'positions': np.arange(ids.shape[1], dtype=np.int32),
  }


def draw_batch(rows: int = 4, num_prefix: int = 3):
  ids = np.random.default_rng(0).integers(2, 16, (rows, 13))
  return batch_of(ids, num_prefix)


def test_it_keeps_the_contract_of_the_train_loop():
  assert isinstance(train_step(), TrainStep)


def test_prefix_gets_no_loss():
  learner, batch = train_step(), draw_batch(num_prefix=3)
  state, step = jax.jit(learner.init)(KEY, batch), jax.jit(learner.step)
  others = batch['targets'].copy()
  others[:, :3] = 5
  here, there = (
      step(state, {**batch, 'targets': targets}, KEY)
      for targets in (batch['targets'], others)
  )
  jax.tree.map(np.testing.assert_array_equal, here, there)


def test_metrics_are_means_over_the_weights():
  learner, batch = train_step(), draw_batch()
  state = jax.jit(learner.init)(KEY, batch)
  logits = jax.jit(learner.model.apply)(
      {'params': state.params},
      *(batch[name] for name in ('inputs', 'positions', 'segment_ids')),
  )
  nats = -np.take_along_axis(
      np.asarray(jax.nn.log_softmax(logits)), batch['targets'][..., None], 2
  )[..., 0]
  metrics = jax.jit(learner.evaluate)(state, batch)
  counted = batch['loss_weights'] > 0
  hits = logits.argmax(-1) == batch['targets']
  np.testing.assert_allclose(metrics['loss'], nats[counted].mean(), rtol=1e-5)
  np.testing.assert_allclose(metrics['accuracy'], hits[counted].mean())
  found = jax.jit(learner.nats)(state.params, batch)
  np.testing.assert_allclose(found, nats, rtol=1e-4)
  assert metrics['weight'] == counted.sum()


def test_gradient_of_the_loss_is_that_of_autodiff():
  logits = jax.random.normal(KEY, (3, 4, 16))
  targets = jnp.arange(12).reshape(3, 4)
  pull = jax.random.normal(jax.random.key(1), (2, 3, 4))

  def ours(logits):
    scores = steps._scores(logits, targets)
    return (pull[0] * scores.target + pull[1] * scores.log_normalizer).sum()

  def theirs(logits):
    target = (logits * jax.nn.one_hot(targets, 16)).sum(-1)
    log_normalizer = jax.nn.logsumexp(logits, axis=-1)
    return (pull[0] * target + pull[1] * log_normalizer).sum()

  np.testing.assert_allclose(
      jax.grad(ours)(logits), jax.grad(theirs)(logits), atol=1e-6
  )


def test_same_step_same_noise_other_step_other_noise():
  learner, batch = train_step(), draw_batch()
  state, step = jax.jit(learner.init)(KEY, batch), jax.jit(learner.step)
  first, again = (step(state, batch, KEY)[1]['loss'] for _ in range(2))
  later = step(state.replace(step=state.step + 1), batch, KEY)[1]['loss']
  assert first == again != later


def test_its_configuration_rebuilds_the_model():
  learner = train_step(dropout_rate=0.3, max_distance=77)
  config = json.loads(json.dumps(learner.model_config()))
  names = {field.name for field in dataclasses.fields(Transformer)}
  sizes = {name: config[name] for name in names & config.keys()}
  assert Transformer(**sizes, query_block=6) == learner.model
  assert config['kind'] == 'language_model'


def test_runs_of_versions_without_a_choice_of_the_bias_are_the_same_model():
  assert 'bidirectional_bias' not in train_step().model_config()
  config = train_step(bidirectional_bias=False).model_config()
  assert config['bidirectional_bias'] is False


def run(data: int, model: int, fsdp: bool = False, **sizes):
  """Some steps on a mesh."""
  partitioner = Partitioner(
      make_mesh(data, model), standard_logical_axis_rules(fsdp)
  )
  batch = draw_batch()
  compiled = partitioner.compile(train_step(**sizes), KEY, batch)
  state, losses = compiled.init(), []
  for _ in range(3):
    state, metrics = compiled.step(state, partitioner.put(batch), KEY)
    losses.append(float(metrics['loss']))
  return state, losses


def stepped(num_steps=1, **settings):
  """States before and after some steps on rows of unlike weight."""
  learner = train_step(**settings)
  batch = draw_batch(rows=8)
  batch['loss_weights'][:3] = 0.0
  state, step = jax.jit(learner.init)(KEY, batch), jax.jit(learner.step)
  states = [state]
  for _ in range(num_steps):
    state, metrics = step(state, batch, KEY)
    states.append(state)
  return states, metrics


def test_microbatches_give_the_step_of_the_whole_batch():
  whole, expected = stepped(dropout_rate=0.0)
  pieces, metrics = stepped(dropout_rate=0.0, num_microbatches=4)
  # Accuracy hangs on rounding where two ids are as likely.
  for name in ('loss', 'z_loss', 'weight', 'gradient_norm'):
    np.testing.assert_allclose(metrics[name], expected[name], rtol=1e-5)
  jax.tree.map(
      lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5),
      pieces[-1].params,
      whole[-1].params,
  )


def test_rows_that_do_not_divide_into_microbatches_are_refused():
  with pytest.raises(UserError, match='8 rows .* 3 microbatches') as caught:
    stepped(num_microbatches=3)
  assert '\n' not in str(caught.value)


def test_the_average_follows_and_is_what_is_evaluated():
  states, _ = stepped(3, ema_decay=0.9)
  average = states[0].params
  for step, state in enumerate(states[1:]):
    # A young average forgets faster.
    decay = min(0.9, (1 + step) / (10 + step))
    average = jax.tree.map(
        lambda a, b, decay=decay: decay * a + (1 - decay) * b,
        average,
        state.params,
    )
  jax.tree.map(
      lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6),
      states[-1].mutables['ema'],
      average,
  )
  learner, batch = train_step(), draw_batch()
  found = jax.jit(learner.evaluate)(states[-1], batch)
  plain = states[-1].replace(params=average, mutables={})
  expected = jax.jit(learner.evaluate)(plain, batch)
  np.testing.assert_allclose(found['loss'], expected['loss'], rtol=1e-5)


def test_label_smoothing_is_cross_entropy_with_smoothed_targets():
  learner = train_step(label_smoothing=0.2, z_loss=0.0)
  batch = jax.tree.map(jnp.asarray, draw_batch())
  params = jax.jit(learner.init)(KEY, batch).params
  loss, _ = learner._loss(params, {}, batch, None)
  log_p = jax.nn.log_softmax(learner._logits(params, batch, None))
  targets = 0.8 * jax.nn.one_hot(batch['targets'], 16) + 0.2 / 16
  weights = batch['loss_weights']
  expected = -(weights * (targets * log_p).sum(axis=-1)).sum() / weights.sum()
  np.testing.assert_allclose(loss, expected, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    'layout, settings',
    [
        ({}, {}),
        (
            {'fsdp': True, 'scan_layers': True},
            {'num_microbatches': 2, 'ema_decay': 0.9},
        ),
    ],
)
def test_four_devices_do_what_one_does(layout, settings):
  _, losses_of_one = run(1, 1, **settings)
  state, losses = run(2, 2, **layout, **settings)
  np.testing.assert_allclose(losses, losses_of_one, rtol=1e-4)
  kernel = state.params['layers_0']['mlp']['wi_0']['kernel']
  assert len(kernel.sharding.device_set) == 4
  assert kernel.sharding.spec[1] == 'model'


@pytest.mark.slow
def test_it_learns_what_no_bigram_knows():
  """The next of five symbols is drawn from a table over the last two."""
  rng = np.random.default_rng(0)
  table = rng.permuted(np.tile([0.9, 0.1, 0, 0, 0], (5, 5, 1)), axis=-1)
  ids = rng.integers(0, 5, (64, 66))
  for place in range(2, 66):
    p = table[ids[:, place - 2], ids[:, place - 1]]
    ids[:, place] = (p.cumsum(-1) > rng.random((64, 1))).argmax(-1)
  pairs = np.zeros((5, 5))
  np.add.at(pairs, (ids[:, 2:-1].ravel(), ids[:, 3:].ravel()), 1)
  conditional = pairs / pairs.sum(axis=1, keepdims=True)
  bigram = -(pairs * np.log(conditional + 1e-9)).sum() / pairs.sum()
  learner = dataclasses.replace(train_step(), tx=optimizers.adam(3e-2))
  batch = batch_of(ids + 2, num_prefix=3)
  state, step = jax.jit(learner.init)(KEY, batch), jax.jit(learner.step)
  for _ in range(300):
    state, _ = step(state, batch, KEY)
  loss = jax.jit(learner.evaluate)(state, batch)['loss']
  assert loss < 0.8 * bigram
