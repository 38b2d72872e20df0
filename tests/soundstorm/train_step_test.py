"""Tests audiolm_jax/soundstorm/train_step.py."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audiolm_jax.bundle import parts
from audiolm_jax.soundstorm import masking, stage
from audiolm_jax.soundstorm.train_step import SoundStormTrainStep
from audiolm_jax.training import optimizers
from audiolm_jax.training.partitioning import (
    Partitioner,
    make_mesh,
    standard_logical_axis_rules,
)
from audiolm_jax.training.state import TrainStep
from tests.soundstorm import tiny
from tests.tokens import random_store

KEY = jax.random.key(0)
STAGE = stage.soundstorm(random_store.SIZES)


def train_step(**settings) -> SoundStormTrainStep:
  model = tiny.MODEL.clone(
      codebook_size=8, mlp_dim=32, dropout_rate=settings.pop('dropout', 0.0)
  )
  tx = optimizers.adam(settings.pop('rate', 1e-2))
  return SoundStormTrainStep(model, tx, **settings)


def batch(num_rows: int = 8, num_frames: int = 12, seed: int = 0):
  semantic, acoustic = tiny.window(num_rows, num_frames, seed)
  lengths = np.full(num_rows, num_frames, np.int32)
  return {
      'semantic': semantic,
      'acoustic': np.minimum(acoustic, 7),
      'lengths': lengths,
  }


@pytest.fixture(scope='module')
def learner():
  return train_step()


@pytest.fixture(scope='module')
def step(learner):
  return jax.jit(learner.step)


@pytest.fixture(scope='module')
def evaluate(learner):
  return jax.jit(learner.evaluate)


@pytest.fixture(scope='module')
def state(learner):
  return jax.jit(learner.init)(KEY, batch())


@pytest.fixture(scope='module')
def averaging():
  """Drops out, and keeps an average of the weights."""
  return train_step(dropout=0.5, ema_decay=0.5)


@pytest.fixture(scope='module')
def averaging_step(averaging):
  return jax.jit(averaging.step)


@pytest.fixture(scope='module')
def averaging_state(averaging):
  return jax.jit(averaging.init)(KEY, batch())


def test_it_keeps_the_contract_of_the_train_loop():
  assert isinstance(train_step(), TrainStep)


def test_only_masked_codes_of_the_drawn_level_are_asked_for(state, monkeypatch):
  learner, data = train_step(), batch()

  def mask(key, codes, lengths, mask_id, level_decay=1.0):
    del key, lengths, level_decay
    targets = jnp.zeros(codes.shape[:2], bool).at[:, 3].set(True)
    levels = jnp.full(len(codes), 1)
    return masking.Masked(codes.at[:, 3, 1].set(mask_id), levels, targets)

  monkeypatch.setattr(masking, 'mask', mask)
  evaluate = jax.jit(learner.evaluate)
  found = evaluate(state, data)
  masked = data['acoustic'].copy()
  masked[:, 3, 1] = 8
  levels = np.full(8, 1)
  logits = jax.jit(learner.model.apply)(
      {'params': state.params},
      data['semantic'],
      masked,
      data['lengths'],
      levels,
  )
  asked = data['acoustic'][:, 3, 1]
  nats = -jax.nn.log_softmax(logits)[np.arange(8), 3, asked]
  np.testing.assert_allclose(found['loss'], nats.mean(), rtol=1e-5)
  assert found['weight'] == 8


def test_levels_ahead_are_asked_for_behind_the_prompt(state, monkeypatch):
  """Above a drawn level 0 there are 1 and 2, above level 3 there is none."""
  tiny_model, data = train_step().model, batch(2)
  hidden = np.zeros(data['acoustic'].shape, bool)
  hidden[0, 5:, 1:] = hidden[0, 7, 0] = hidden[1, 6, 3] = True

  def mask(key, codes, lengths, mask_id, level_decay, longest_prompt):
    del key, lengths, level_decay, longest_prompt
    targets = jnp.asarray(hidden[np.arange(2), :, [0, 3]])
    return masking.Masked(
        jnp.where(hidden, mask_id, codes), jnp.array([0, 3]), targets
    )

  monkeypatch.setattr(masking, 'mask', mask)

  def loss(ahead):
    learner = train_step(ahead=ahead)
    asked = jax.jit(learner._training_loss)  # noqa: SLF001
    return asked(state.params, {}, data, KEY)[0]

  masked = np.where(hidden, 8, data['acoustic'])

  def nats(level):
    logits = jax.jit(tiny_model.apply)(
        {'params': state.params},
        data['semantic'],
        masked,
        data['lengths'],
        np.full(2, level),
    )
    surprise = -jax.nn.log_softmax(logits[0, 5:])
    asked = data['acoustic'][0, 5:, level]
    return surprise[np.arange(len(asked)), asked].mean()

  found = loss((0.5, 0.25)) - loss(())
  np.testing.assert_allclose(found, 0.5 * nats(1) + 0.25 * nats(2), rtol=1e-4)


def test_padding_has_no_say(step, state):
  data = batch()
  data['lengths'][::2] = 7
  other = {name: values.copy() for name, values in data.items()}
  other['acoustic'][::2, 7:] = 5
  other['semantic'][::2, 7:] = 2
  one, two = (step(state, rows, KEY) for rows in (data, other))
  jax.tree.map(np.testing.assert_array_equal, one, two)


def test_an_empty_row_changes_nothing(step, evaluate, state):
  """Evaluations fill the last batch up with them."""
  data = batch()
  data['lengths'][4:] = 0
  found = evaluate(state, data)
  assert np.isfinite(found['loss']) and found['weight'] > 0
  data['lengths'][:] = 0
  nothing = evaluate(state, data)
  assert nothing['loss'] == nothing['weight'] == 0
  state, _ = step(state, data, KEY)
  assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state.params))


def test_same_step_same_noise_other_step_other_noise(
    averaging_step, averaging_state
):
  data, state, step = batch(), averaging_state, averaging_step
  first, again = (step(state, data, KEY)[1]['loss'] for _ in range(2))
  later = step(state.replace(step=state.step + 1), data, KEY)[1]['loss']
  assert first == again != later


def test_evaluations_do_not_change_and_read_the_average(
    averaging, averaging_step, averaging_state
):
  data, before = batch(), averaging_state.params
  state, _ = averaging_step(averaging_state, data, KEY)
  jax.tree.map(
      lambda average, old, new: np.testing.assert_allclose(
          average, 0.1 * old + 0.9 * new, atol=1e-6
      ),
      state.mutables['ema'],
      before,
      state.params,
  )
  evaluate = jax.jit(averaging.evaluate)
  found = evaluate(state, data)['loss']
  assert found == evaluate(state, data)['loss']
  averaged = state.replace(params=state.mutables['ema'], mutables={})
  assert evaluate(averaged, data)['loss'] == found


def test_its_configuration_rebuilds_the_model():
  learner = train_step(
      dropout=0.3, stage_config=STAGE.to_config(), crop_seconds=2.0
  )
  config = json.loads(json.dumps(learner.model_config()))
  assert config['kind'] == 'soundstorm'
  assert parts.build(config) == learner.model


@pytest.mark.slow
def test_it_learns_codes_that_follow_from_the_semantic_ids(optimized):
  """Level q of a frame is (id + q) % 8: nothing else has to be known."""
  learner = train_step(rate=1e-2)
  data = batch(16, 16)
  levels = np.arange(4)[None, None]
  data['acoustic'] = (data['semantic'][..., None] + levels) % 8
  state, step = jax.jit(learner.init)(KEY, data), jax.jit(learner.step)
  for _ in range(150):
    state, _ = step(state, data, KEY)
  found = jax.jit(learner.evaluate)(state, data)
  assert found['loss'] < 0.2 and found['accuracy'] > 0.95


@pytest.mark.slow
def test_it_learns_the_same_on_any_mesh(learner, step, evaluate, state):
  partitioner = Partitioner(make_mesh(2, 2), standard_logical_axis_rules(True))
  compiled = partitioner.compile(learner, KEY, batch())
  one, four = state, compiled.init()
  for seed in range(3):
    data = batch(seed=seed)
    one, _ = step(one, data, KEY)
    four, _ = compiled.step(four, partitioner.put(data), KEY)
  held_out = batch(seed=9)
  jax.tree.map(
      lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4),
      (one.params, evaluate(one, held_out)),
      (four.params, compiled.evaluate(four, partitioner.put(held_out))),
  )


def test_microbatches_weigh_as_their_targets(state):
  learner, data = train_step(num_microbatches=4), batch()
  _, metrics = jax.jit(learner.step)(state, data, KEY)
  assert np.isfinite(metrics['loss']) and metrics['weight'] > 0
