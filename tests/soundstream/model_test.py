"""Tests of the codec's networks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audiolm_jax.soundstream.model import SoundStream
from audiolm_jax.training.state import unbox

TABLE_I = [
    (32, 32, 8.40),
    (16, 16, 2.43),
    (16, 32, 5.55),
    (8, 32, 4.78),
    (32, 16, 5.29),
    (32, 8, 4.39),
]


@pytest.fixture(scope='module')
def tiny():
  model = SoundStream(4, 4, strides=(2, 5), embedding_dim=6)
  waveform = jax.random.normal(jax.random.key(0), (2, 80))
  return model, model.init(jax.random.key(1), waveform), waveform


@pytest.mark.parametrize('encoder, decoder, millions', TABLE_I)
def test_parameter_counts_are_those_of_table_i(encoder, decoder, millions):
  model = SoundStream(encoder, decoder)
  variables = jax.eval_shape(
      model.init, jax.random.key(0), jnp.zeros((1, model.hop_length))
  )
  count = sum(leaf.size for leaf in jax.tree.leaves(unbox(variables)))
  assert abs(count / 1e6 - millions) < 0.05


def test_sixteen_kilohertz_is_fifty_frames():
  model = SoundStream()
  assert (model.hop_length, model.frame_rate) == (320, 50.0)


@pytest.mark.parametrize('method, step', [('encode', 10), ('__call__', 10)])
def test_prefix_of_output_is_output_of_prefix(tiny, method, step):
  model, variables, waveform = tiny
  whole = model.apply(variables, waveform, method=method)
  prefix = model.apply(variables, waveform[:, : 3 * step], method=method)
  np.testing.assert_allclose(whole[:, : prefix.shape[1]], prefix, atol=1e-5)


def test_prefix_of_decoded_is_decoded_prefix(tiny):
  model, variables, _ = tiny
  z = jax.random.normal(jax.random.key(2), (2, 8, 6))
  whole = model.apply(variables, z, method='decode')
  prefix = model.apply(variables, z[:, :3], method='decode')
  np.testing.assert_allclose(whole[:, :30], prefix, atol=1e-5)


def test_output_depends_on_all_of_the_near_past(tiny):
  model, variables, waveform = tiny
  gradient = jax.grad(lambda x: model.apply(variables, x)[0, -1])(waveform)
  assert jnp.abs(gradient[0, -40:]).min() > 0
  assert jnp.abs(gradient[1]).max() == 0


@pytest.mark.parametrize('strides', [(5, 2), (2, 4, 5, 8)])
def test_a_latent_hears_its_receptive_field_and_no_more(strides):
  model = SoundStream(2, 2, strides=strides, embedding_dim=2)
  hop, reach = model.hop_length, model.receptive_field
  num_frames = reach // hop + 3
  shape = (1, num_frames * hop)
  waveform = 0.01 * jax.random.normal(jax.random.key(0), shape)
  variables = jax.jit(model.init)(jax.random.key(1), waveform)

  @jax.jit
  @jax.grad
  def gradient(waveform):
    return model.apply(variables, waveform, method='encode')[0, -2].sum()

  heard = np.flatnonzero(gradient(waveform)[0])
  end = (num_frames - 1) * hop
  assert (heard[0], heard[-1]) == (end - reach, end - 1)


def test_the_paper_s_codec_hears_a_third_of_a_second():
  assert SoundStream().receptive_field == 5314


def test_length_must_be_whole_frames(tiny):
  model, variables, waveform = tiny
  with pytest.raises(ValueError, match='79 samples are not a multiple'):
    model.apply(variables, waveform[:, :79], method='encode')


def test_bfloat16_is_close_to_float32(tiny):
  model, variables, waveform = tiny
  half = model.clone(dtype=jnp.bfloat16).apply(variables, waveform)
  full = model.apply(variables, waveform)
  assert half.dtype == jnp.float32
  assert jnp.abs(half - full).mean() < 0.05 * jnp.abs(full).mean()
