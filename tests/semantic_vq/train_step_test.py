"""Tests audiolm_jax/semantic_vq/{train_step,perturbation}.py."""

import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audiolm_jax import corpus
from audiolm_jax.bundle import parts
from audiolm_jax.corpus import AudioBatches
from audiolm_jax.semantic_vq import perturbation
from audiolm_jax.semantic_vq.crops import part_of
from audiolm_jax.training import loop
from audiolm_jax.training.checkpoints import loading
from audiolm_jax.training.partitioning import (
    Partitioner,
    make_mesh,
    standard_logical_axis_rules,
)
from audiolm_jax.training.state import TrainStep, is_boxed
from tests import runs
from tests.semantic_vq import tiny

KEY = jax.random.key(0)


@functools.cache
def jitted(name, **settings):
  return jax.jit(getattr(tiny.train_step(quantize_from=0, **settings), name))


@functools.cache
def initial_state():
  return jitted('init')(KEY, tiny.batch())


def test_is_a_train_step_whose_configuration_rebuilds_the_model():
  learner = tiny.train_step()
  assert isinstance(learner, TrainStep)
  config = json.loads(json.dumps(learner.model_config()))
  assert parts.build(config) == learner.model


def test_every_parameter_names_its_axes():
  variables = jax.eval_shape(tiny.train_step().variables, KEY, tiny.batch())
  leaves = jax.tree.leaves(variables['params'], is_leaf=is_boxed)
  assert all(is_boxed(leaf) for leaf in leaves)


def test_a_step_is_a_function_of_state_batch_and_key():
  step, state, batch = jitted('step'), initial_state(), tiny.batch()
  one, two = step(state, batch, KEY), step(state, batch, KEY)
  jax.tree.map(np.testing.assert_array_equal, one, two)
  _, later = step(state.replace(step=state.step + 1), batch, KEY)
  assert later['loss'] != one[1]['loss']


def test_what_lies_in_the_padding_changes_nothing():
  state, _ = jitted('step')(initial_state(), tiny.batch(), KEY)
  batch = tiny.batch()
  batch['length'] = jnp.array([320, 4000, 9000, 12800], jnp.int32)
  beyond = jnp.arange(12800)[None] >= batch['length'][:, None]
  noisy = jnp.where(beyond, 0.3, batch['waveform'])
  for name, key in (('evaluate', ()), ('step', (KEY,))):
    one = jitted(name)(state, batch, *key)
    two = jitted(name)(state, batch | {'waveform': noisy}, *key)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6),
        one,
        two,
    )
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(one))


def test_agreement_is_the_share_of_codes_that_a_prompt_keeps():
  state, _ = jitted('step')(initial_state(), tiny.batch(), KEY)
  found = jitted('evaluate')(state, tiny.batch())
  assert 0 < found['agreement'] < 1 and found['consistency'] > 0


def test_without_a_second_view_nothing_is_compared():
  _, found = jitted('step', consistency_weight=0.0)(
      initial_state(), tiny.batch(), KEY
  )
  assert 'agreement' not in found and np.isfinite(found['loss'])


def test_before_quantize_from_nothing_commits():
  early = jax.jit(tiny.train_step(quantize_from=5).step)
  state = initial_state()
  assert early(state, tiny.batch(), KEY)[1]['commitment'] == 0
  later = state.replace(step=jnp.int32(5))
  assert early(later, tiny.batch(), KEY)[1]['commitment'] > 0


def test_a_collapse_is_named():
  learner = tiny.train_step()
  (line,) = learner.warnings({'perplexity/01': 1.1})
  assert 'collapsed' in line and '8 codes 1.1' in line
  assert not learner.warnings({'perplexity/01': 5.0})


def test_statistics_are_those_of_a_stretch_of_the_clip():
  valid = jnp.arange(40)[None] < jnp.repeat(jnp.array([40, 11, 1]), 50)[:, None]
  found = np.asarray(part_of(KEY, valid, 0.5))
  assert not found[~np.asarray(valid)].any()
  counts = found.sum(axis=1)
  assert counts[:50].min() >= 19 and counts[:50].max() > 35
  assert counts[50:100].min() >= 5 and counts[100:].tolist() == [1] * 50
  for row in found:
    places = np.flatnonzero(row)
    assert len(places) == places[-1] - places[0] + 1


def test_a_warp_moves_what_is_heard_up_or_down():
  spectra = jnp.zeros((40, 3, 65)).at[:, :, 32].set(50.0)
  found = perturbation.perturb(KEY, spectra, 0.2)
  peaks = np.asarray(found.argmax(axis=-1))
  assert (peaks == peaks[:, :1]).all()
  assert 26 <= peaks.min() < 30 and 34 < peaks.max() <= 40
  assert perturbation.perturb(KEY, spectra, 0.0) is spectra


@pytest.mark.slow
def test_resumed_equals_straight(tmp_path):
  def run(folder, num_steps):
    loop.train(
        train_step=tiny.train_step(quantize_from=2),
        train_data=AudioBatches(clips, 16000, 0.8, 2, seed=0),
        eval_data=lambda: iter([tiny.batch()]),
        model_dir=str(tmp_path / folder),
        num_steps=num_steps,
        partitioner=Partitioner(make_mesh(1, 1), standard_logical_axis_rules()),
        eval_every=2,
        save_every=2,
        num_eval_batches=1,
    )

  clips = corpus.read_manifest(runs.write_corpus(tmp_path / 'corpus'))
  run('straight', 4)
  run('resumed', 2)
  run('resumed', 4)
  one, two = (
      loading.load_params(str(tmp_path / folder))
      for folder in ('straight', 'resumed')
  )
  jax.tree.map(np.testing.assert_array_equal, one, two)


@pytest.mark.slow
def test_it_learns_to_speak_without_collapse():
  state, step = initial_state(), jitted('step', warp=0.1)
  history = []
  for i in range(80):
    state, metrics = step(state, tiny.batch(seed=i), KEY)
    history.append(jax.tree.map(float, metrics))
  late = history[-10:]
  spectral = [metrics['spectral'] for metrics in history]
  assert np.mean(spectral[-10:]) < 0.6 * np.mean(spectral[:5])
  assert np.mean([metrics['perplexity/01'] for metrics in late]) > 3
