import dataclasses
import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audiolm_jax.training import optimizers
from audiolm_jax.training.partitioning import (
    Partitioner,
    make_mesh,
    standard_logical_axis_rules,
)
from audiolm_jax.training.state import TrainStep, is_boxed
from audiolm_jax.w2v_bert.model import W2vBert
from audiolm_jax.w2v_bert.train_step import W2vBertTrainStep

from . import tiny

KEY = jax.random.key(0)
QUANTIZERS = ['gumbel', 'cepstral']


@functools.cache
def train_step(quantizer='gumbel', **settings):
  model = tiny.model(quantizer=quantizer, dropout_rate=0.1, num_mlm_layers=1)
  return W2vBertTrainStep(
      model,
      optimizers.adam(3e-3),
      mask_span=3,
      mask_start_probability=0.15,
      **settings,
  )


@functools.cache
def initial_state(quantizer='gumbel'):
  return jax.jit(train_step(quantizer).init)(KEY, tiny.batch())


@functools.cache
def jitted(name, quantizer='gumbel', **settings):
  return jax.jit(getattr(train_step(quantizer, **settings), name))


def trained(quantizer, num_steps):
  state, history = initial_state(quantizer), []
  for i in range(num_steps):
    batch = tiny.batch(seed=i)
    state, metrics = jitted('step', quantizer)(state, batch, KEY)
    history.append({name: float(value) for name, value in metrics.items()})
  return state, history


def mean(history, name):
  return np.mean([metrics[name] for metrics in history])


@pytest.mark.slow
@pytest.mark.parametrize('quantizer', QUANTIZERS)
def test_learns_without_collapse(quantizer):
  # Codes that are learnt spread later.
  _, history = trained(quantizer, 200 if quantizer == 'gumbel' else 100)
  assert all(np.isfinite(list(metrics.values())).all() for metrics in history)
  early, late = history[:20], history[-20:]
  assert mean(late, 'contrastive') < 0.9 * mean(early, 'contrastive')
  # All tones in one code would make everything easy.
  assert mean(late, 'perplexity') > 3
  assert mean(late, 'gradient_norm') < 20


@pytest.mark.slow
def test_without_contrast_it_collapses_and_says_so():
  step = dataclasses.replace(train_step(beta=0.0), tx=optimizers.adam(1e-2))
  state, advance = jax.jit(step.init)(KEY, tiny.batch()), jax.jit(step.step)
  for i in range(50):
    state, metrics = advance(state, tiny.batch(seed=i), KEY)
  [warning] = step.warnings(jax.tree.map(float, metrics))
  assert 'of 8 codes 1.0 are in use, so that 100% of the masked' in warning


@pytest.mark.parametrize(
    'sign', [{'perplexity': 3.0}, {'masked_accuracy': 0.9}]
)
def test_half_of_the_signature_is_no_collapse(sign):
  signature = {'perplexity': 1.1, 'masked_accuracy': 0.99}
  assert train_step().warnings(signature)
  assert not train_step().warnings(signature | sign)


def test_is_a_train_step():
  assert isinstance(train_step(), TrainStep)


@pytest.mark.parametrize('quantizer', QUANTIZERS)
def test_a_step_is_a_function_of_state_batch_and_key(quantizer):
  step = jitted('step', quantizer)
  state, batch = initial_state(quantizer), tiny.batch()
  one, two = step(state, batch, KEY), step(state, batch, KEY)
  jax.tree.map(np.testing.assert_array_equal, one, two)
  _, other = step(state, batch, jax.random.key(1))
  assert other['loss'] != one[1]['loss']
  # Later steps draw other noise from the same key.
  _, later = step(state.replace(step=state.step + 1), batch, KEY)
  assert later['loss'] != one[1]['loss']


def test_evaluation_is_deterministic_in_spite_of_dropout():
  state, _ = trained('cepstral', 2)
  evaluate = jitted('evaluate', 'cepstral')
  one, two = evaluate(state, tiny.batch()), evaluate(state, tiny.batch())
  jax.tree.map(np.testing.assert_array_equal, one, two)
  assert one['weight'] > 0


def test_clips_shorter_than_a_span_train_too():
  batch = tiny.batch()
  batch['length'] = jnp.array([1, 640, 1300, 40 * 640], jnp.int32)
  state, metrics = jitted('step')(initial_state(), batch, KEY)
  for leaf in jax.tree.leaves((state.params, metrics)):
    assert np.isfinite(leaf).all()


@pytest.mark.parametrize('quantizer', QUANTIZERS)
def test_what_lies_in_the_padding_changes_no_metric(quantizer):
  state, _ = trained(quantizer, 1)
  batch = tiny.batch()
  batch['length'] = jnp.array([5, 10, 35, 40], jnp.int32) * tiny.HOP
  noise = 0.1 * jax.random.normal(KEY, batch['waveform'].shape)
  beyond = jnp.arange(noise.shape[1])[None] >= batch['length'][:, None]
  noisy = jnp.where(beyond, noise, batch['waveform'])
  evaluate = jitted('evaluate', quantizer)
  one = evaluate(state, batch)
  two = evaluate(state, batch | {'waveform': noisy})
  for name, value in one.items():
    np.testing.assert_allclose(value, two[name], rtol=1e-4)


@pytest.mark.parametrize('quantizer', QUANTIZERS)
def test_rows_and_their_lengths_go_to_the_same_microbatch(quantizer):
  batch = tiny.batch()
  batch['length'] = jnp.array([5, 10, 35, 40], jnp.int32) * tiny.HOP
  beyond = jnp.arange(40 * tiny.HOP)[None] >= batch['length'][:, None]
  noisy = jnp.where(beyond, 0.1, batch['waveform'])
  step = jitted('step', quantizer, num_microbatches=2)
  state, one = step(initial_state(quantizer), batch, KEY)
  _, two = step(initial_state(quantizer), batch | {'waveform': noisy}, KEY)
  for name, value in one.items():
    np.testing.assert_allclose(value, two[name], rtol=1e-4)
  moved = jax.tree.map(
      lambda a, b: (a != b).any(), state.params, initial_state(quantizer).params
  )
  assert all(jax.tree.leaves(moved))


def test_codebook_of_cepstra_starts_with_the_first_batch_and_follows():
  before = initial_state('cepstral')
  batch = tiny.batch()
  after, _ = jitted('step', 'cepstral')(before, batch, KEY)
  vectors = after.mutables['codebooks']['targets']['cepstra'].vectors
  assert np.abs(vectors).sum(axis=-1).all()
  other = tiny.batch(seed=1)
  later, metrics = jitted('step', 'cepstral')(after, other, KEY)
  moved = later.mutables['codebooks']['targets']['cepstra'].vectors
  assert not np.array_equal(moved, vectors)
  assert metrics['perplexity'] > 3


@pytest.mark.parametrize(
    'num_steps, temperature',
    [(0, 2.0), (100_000, 2 * 0.999995**100_000), (10_000_000, 0.1)],
)
def test_gumbel_temperature_falls_to_its_floor(num_steps, temperature):
  late = initial_state().replace(step=jnp.int32(num_steps))
  _, metrics = jitted('step')(late, tiny.batch(), KEY)
  np.testing.assert_allclose(metrics['temperature'], temperature, rtol=1e-3)


def test_visible_frames_count_only_if_asked():
  state, batch = initial_state(), tiny.batch()
  masked_only = jitted('evaluate')(state, batch)['loss']
  with_visible = jitted('evaluate', unmasked_weight=0.5)(state, batch)['loss']
  # An untrained guess at one of 8 codes costs about log(8) nats.
  np.testing.assert_allclose(
      with_visible - masked_only, 0.5 * np.log(8), rtol=0.5
  )


@pytest.mark.slow
@pytest.mark.parametrize('quantizer', QUANTIZERS)
def test_laid_out_over_a_mesh_it_does_what_it_does_on_one_device(quantizer):
  _, history = trained(quantizer, 1)
  partitioner = Partitioner(make_mesh(2, 2), standard_logical_axis_rules(True))
  batch = {name: np.asarray(x) for name, x in tiny.batch(seed=0).items()}
  compiled = partitioner.compile(train_step(quantizer), KEY, batch)
  with partitioner.context():
    _, metrics = compiled.step(compiled.init(), partitioner.put(batch), KEY)
  for name, value in history[0].items():
    np.testing.assert_allclose(metrics[name], value, rtol=2e-3, atol=1e-4)


@pytest.mark.parametrize('quantizer', QUANTIZERS)
def test_every_parameter_names_its_axes(quantizer):
  step = train_step(quantizer)
  variables = jax.eval_shape(step.variables, KEY, tiny.batch())
  leaves = jax.tree.leaves(variables['params'], is_leaf=is_boxed)
  assert all(map(is_boxed, leaves))


def test_model_config_rebuilds_the_model():
  step = train_step('cepstral')
  config = json.loads(json.dumps(step.model_config()))
  assert config.pop('kind') == 'w2v_bert'
  assert W2vBert(**config) == step.model
