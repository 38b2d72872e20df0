"""Tests of starting a run from other weights."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audiolm_jax.errors import UserError
from audiolm_jax.training import starting
from audiolm_jax.training.loop import train

from . import toy

GIVEN = {'params': {'wi': np.full((toy.WIDTH, toy.HIDDEN), 0.25, np.float16)}}


@pytest.fixture(name='state')
def fixture_state():
  return toy.ToyTrainStep().init(jax.random.key(0), next(toy.ToyData()))


def test_what_is_given_takes_its_place_and_the_rest_stays(state):
  started = starting.replace(state, GIVEN, {})
  assert (started.params['wi'] == 0.25).all()
  assert started.params['wi'].dtype == jnp.float32
  assert started.params['wi'].sharding == state.params['wi'].sharding
  assert (started.params['wo'] == state.params['wo']).all()
  assert started.mutables == state.mutables and started.step == 0


def test_an_average_of_parameters_begins_where_they_do(state):
  fresh = jax.tree.map(jnp.zeros_like, state.params)
  state = state.replace(mutables={'ema': fresh})
  started = starting.replace(state, GIVEN, {})
  assert (started.mutables['ema']['wi'] == 0.25).all()


@pytest.mark.parametrize(
    'given, message',
    [
        ({'params': {'wj': np.ones(3)}}, r'params/wj is \[3\], .* no such'),
        ({'params': {'wi': np.ones(3)}}, r'params/wi is \[3\], .* \[8, 16\]'),
        ({'mutables': {'rows': np.ones(1)}}, 'mutables/rows'),
    ],
)
def test_weights_of_another_model_are_refused(state, given, message):
  with pytest.raises(UserError, match=message):
    starting.replace(state, given, {})


def test_only_a_fresh_run_starts_from_them(tmp_path):
  calls = []

  def initial():
    calls.append(1)
    return GIVEN | {'mutables': {'rows': np.float32(100)}}

  def run(num_steps):
    return train(
        toy.ToyTrainStep(),
        toy.ToyData(),
        str(tmp_path),
        num_steps,
        initial=initial,
    )

  assert run(1).mutables['rows'] == 108
  assert run(2).mutables['rows'] == 116
  assert len(calls) == 1


def test_weights_of_another_stage_are_refused(state):
  given = {'config': {'stage': {'name': 'coarse'}}}
  with pytest.raises(UserError, match='stage coarse, this run trains fine'):
    starting.replace(state, given, {'stage': {'name': 'fine'}})


def test_weights_that_learnt_other_tokens_are_told(state, caplog):
  given = {'config': {'tokenizers': {'acoustic': 'a1'}}}
  starting.replace(state, given, {'tokenizers': {'acoustic': 'b2'}})
  assert 'a1' in caplog.text and 'b2' in caplog.text
  caplog.clear()
  starting.replace(state, given, {'tokenizers': {'acoustic': 'a1'}})
  assert not caplog.text
