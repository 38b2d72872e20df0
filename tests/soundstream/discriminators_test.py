"""Tests of the discriminators."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from audiolm_jax.errors import UserError
from audiolm_jax.soundstream import discriminators
from audiolm_jax.training.state import unbox


@pytest.mark.parametrize(
    'size, stride, groups, length',
    [(41, 4, 4, 64), (5, 1, 2, 9), (6, 4, 1, 31)],
)
def test_grouped_conv_is_the_grouped_convolution(size, stride, groups, length):
  x = jax.random.normal(jax.random.key(0), (2, length, 4 * groups))
  kernel = jax.random.normal(jax.random.key(1), (size, 4, 3 * groups))
  past, future = (size - 1) // 2, size // 2
  # The last window may hang over what the first padding left.
  expected = lax.conv_general_dilated(
      x,
      kernel,
      window_strides=(stride,),
      padding=[(past, future + stride - 1)],
      dimension_numbers=('NWC', 'WIO', 'NWC'),
      feature_group_count=groups,
  )
  y = discriminators.grouped_conv(x, kernel, stride)
  assert y.shape[1] == -(-length // stride)
  np.testing.assert_allclose(y, expected[:, : y.shape[1]], atol=1e-4)


def test_scale_is_the_length_of_a_kernel():
  conv = discriminators.WeightNormConv(3, 5)
  x = jax.random.normal(jax.random.key(0), (2, 20, 4))
  variables = unbox(conv.init(jax.random.key(1), x))
  params = variables['params']
  longer = params | {'kernel': 7 * params['kernel']}
  louder = params | {'scale': 2 * params['scale']}
  y = conv.apply({'params': params}, x)
  np.testing.assert_allclose(
      conv.apply({'params': longer}, x), y, rtol=1e-4, atol=1e-5
  )
  np.testing.assert_allclose(
      conv.apply({'params': louder}, x), 2 * y, rtol=1e-4, atol=1e-5
  )


def test_published_widths_of_the_waveform_discriminator():
  features = jax.eval_shape(
      lambda x: discriminators.WaveDiscriminator().init_with_output(
          jax.random.key(0), x
      )[0],
      jnp.zeros((1, 4096)),
  )
  assert [f.shape[-1] for f in features] == [16, 64, 256, 1024, 1024, 1024, 1]
  assert [f.shape[1] for f in features] == [4096, 1024, 256, 64, 16, 16, 16]


def test_published_shape_of_the_stft_discriminator():
  features = jax.eval_shape(
      lambda x: discriminators.StftDiscriminator().init_with_output(
          jax.random.key(0), x
      )[0],
      jnp.zeros((1, 16384)),
  )
  widths = [f.shape[-1] for f in features]
  assert widths == [32, 64, 128, 128, 256, 256, 512, 1]
  # One logit per eight hops of 256 samples; all 512 bins are seen.
  assert features[0].shape[1:3] == (65, 512)
  assert features[-1].shape[1:3] == (8, 1)


@pytest.mark.parametrize('length', [1800, 2047])
def test_there_are_four_discriminators(length):
  model = discriminators.Discriminators(4, 16, 4)
  shapes = jax.eval_shape(
      lambda x: model.init_with_output(jax.random.key(0), x)[0],
      jnp.zeros((2, length)),
  )
  assert len(shapes) == 4
  assert [s[0].shape[1] for s in shapes[1:]] == [
      length,
      -(-length // 2),
      -(-length // 4),
  ]


def test_halving_keeps_slow_waves_and_removes_fast_ones():
  t = jnp.arange(160)
  slow, fast = (jnp.sin(2 * jnp.pi * t[None] / p) for p in (40.0, 2.5))
  gain = [jnp.abs(discriminators.halve(x)[:, 4:-4]).max() for x in (slow, fast)]
  assert gain[0] > 0.95 and gain[1] < 0.4


def test_crops_that_leave_no_logit_are_refused():
  judge = discriminators.StftDiscriminator(2)
  key = jax.random.key(0)
  features, _ = jax.eval_shape(
      judge.init_with_output, key, jnp.zeros((1, 1792))
  )
  assert features[-1].size > 0
  with pytest.raises(UserError, match='1791 samples are too short'):
    jax.eval_shape(judge.init, key, jnp.zeros((1, 1791)))
