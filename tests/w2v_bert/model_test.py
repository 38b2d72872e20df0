import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolm_jax.training.partitioning import standard_logical_axis_rules
from audiolm_jax.training.state import is_boxed, unbox
from audiolm_jax.w2v_bert.model import W2vBert

from . import tiny

MAX_FRAMES = 12
# Few numbers of frames, as each has to be compiled.
LENGTHS = (1, 639, 640, 3 * 640 - 7, 3 * 640, 11 * 640 + 1, 12 * 640)


def arguments(num_frames):
  waveform = jnp.zeros((2, num_frames * tiny.HOP))
  length = jnp.full(2, num_frames * tiny.HOP, jnp.int32)
  masked = jnp.ones((2, num_frames), bool)
  return waveform, length, masked, jnp.float32(1.0)


def streams(seed=0):
  names = ('params', 'noise', 'quantizer', 'dropout')
  return dict(
      zip(names, jax.random.split(jax.random.key(seed), 4), strict=True)
  )


@functools.cache
def params():
  init = jax.jit(tiny.model().init)
  variables = unbox(init(streams(), *arguments(8)))['params']
  # Positions get a say, and so does what zero biases would leave unseen.
  return jax.tree.map(
      lambda leaf: leaf
      + 0.1 * jax.random.normal(jax.random.key(1), leaf.shape),
      variables,
  )


@functools.partial(jax.jit, static_argnums=(3, 4))
def apply_features(params, waveform, length, layer, dtype=jnp.float32):
  return tiny.model(dtype=dtype).apply(
      {'params': params}, waveform, length, layer, method='features'
  )


def features(waveform, length, layer=2):
  return apply_features(params(), waveform, length, layer)


@settings(max_examples=10, deadline=None)
@given(
    lengths=st.tuples(*[st.sampled_from(LENGTHS)] * 3),
    seed=st.integers(0, 100),
)
def test_features_ignore_padding_and_the_rest_of_the_batch(lengths, seed):
  noise = np.random.default_rng(seed).normal(size=(3, MAX_FRAMES * tiny.HOP))
  # What lies beyond the length is garbage on purpose.
  batch = features(noise.astype(np.float32), np.array(lengths, np.int32), 2)
  for i, length in enumerate(lengths):
    count = math.ceil(length / tiny.HOP)
    alone = np.zeros((1, count * tiny.HOP), np.float32)
    alone[0, :length] = noise[i, :length]
    expected = features(alone, np.array([length], np.int32), 2)[0]
    np.testing.assert_allclose(batch[i, :count], expected, atol=2e-4)


@pytest.mark.parametrize('num_frames', [1, 2, 7])
def test_one_frame_every_640_samples(num_frames):
  waveform, length, *_ = arguments(num_frames)
  assert features(waveform, length).shape == (2, num_frames, 16)


def test_frames_are_40_ms_apart_where_the_sound_is():
  waveform = np.zeros((1, 40 * tiny.HOP), np.float32)
  length = np.array([waveform.shape[1]], np.int32)
  click = waveform.copy()
  click[0, 20 * tiny.HOP : 21 * tiny.HOP] = 1.0
  change = np.abs(features(click, length, 0) - features(waveform, length, 0))
  assert change.sum(axis=-1)[0].argmax() == pytest.approx(20, abs=1)


def test_layers_are_counted_inside_the_mlm_half():
  waveform = tiny.tunes(1, 10)
  length = np.array([waveform.shape[1]], np.int32)
  first, second = (features(waveform, length, layer) for layer in (1, 2))
  assert not np.allclose(first, second, atol=0.1)
  # The last block decides the second layer, but not the first.
  changed = jax.tree.map(jnp.zeros_like, params()['mlm_1'])
  others = {**params(), 'mlm_1': changed}
  np.testing.assert_allclose(
      apply_features(others, waveform, length, 1), first, atol=1e-5
  )
  assert not apply_features(others, waveform, length, 2).any()


def test_waveforms_of_half_a_frame_are_refused():
  with pytest.raises(ValueError, match='641 samples are not a multiple'):
    features(np.zeros((1, 641), np.float32), np.array([641], np.int32), 2)


def test_visible_frames_see_nothing_of_what_is_hidden():
  waveform = tiny.tunes(1, 30)
  other = waveform.copy()
  # Frame 16's neighbours share samples and taps with it, so they hide too.
  other[:, 16 * tiny.HOP : 17 * tiny.HOP] *= -0.5
  masked = (jnp.arange(30)[None] >= 13) & (jnp.arange(30)[None] < 20)
  length = jnp.array([waveform.shape[1]], jnp.int32)
  variables = {'params': params()}
  predict = jax.jit(
      lambda x: tiny.model().apply(
          variables,
          x,
          length,
          masked,
          jnp.float32(1.0),
          rngs=streams(),
      )
  )
  one, two = predict(waveform), predict(other)
  np.testing.assert_allclose(one.context, two.context, atol=1e-4)
  np.testing.assert_allclose(one.logits, two.logits, atol=1e-4)
  # The quantizer sees it all.
  assert not np.allclose(one.codes.probabilities, two.codes.probabilities)


def abstract_variables(model):
  return jax.eval_shape(model.init, streams(), *arguments(8))


def test_default_is_the_600_million_parameter_model_of_the_paper():
  leaves = jax.tree.leaves(unbox(abstract_variables(W2vBert()))['params'])
  assert sum(math.prod(leaf.shape) for leaf in leaves) == pytest.approx(
      0.6e9, rel=0.05
  )


@pytest.mark.parametrize('quantizer', ['gumbel', 'cepstral'])
def test_every_parameter_names_its_axes_as_the_partitioner_knows_them(
    quantizer,
):
  variables = abstract_variables(tiny.model(quantizer=quantizer))['params']
  known = {name for name, _ in standard_logical_axis_rules()} | {None}
  for leaf in jax.tree.leaves(variables, is_leaf=is_boxed):
    assert is_boxed(leaf)
    assert len(leaf.names) == len(leaf.value.shape)
    assert set(leaf.names) <= known


def test_bfloat16_features_are_close_to_those_in_float32():
  waveform, length = tiny.tunes(1, 20), np.array([20 * tiny.HOP], np.int32)
  half = apply_features(params(), waveform, length, 2, jnp.bfloat16)
  assert half.dtype == jnp.bfloat16
  error = np.abs(half.astype(np.float32) - features(waveform, length, 2))
  assert error.mean() < 0.05
