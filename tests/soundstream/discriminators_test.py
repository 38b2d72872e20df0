"""Tests of the discriminators."""

import jax
import jax.numpy as jnp
import pytest

from audiolm_jax.errors import UserError
from audiolm_jax.soundstream import discriminators


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
