"""Tests of what the codec takes from a batch."""

import jax.numpy as jnp
import numpy as np

from audiolm_jax.soundstream import sounds


def test_batches_are_cut_to_whole_frames_and_silent_in_their_padding():
  waveform = jnp.arange(1.0, 21.0).reshape(2, 10)
  batch = {'waveform': waveform, 'length': jnp.array([10, 5])}
  sound = sounds.from_batch(batch, hop_length=4)
  assert sound.waveform.shape == (2, 8)
  np.testing.assert_array_equal(sound.waveform[0], waveform[0, :8])
  np.testing.assert_array_equal(sound.waveform[1, :5], waveform[1, :5])
  assert not sound.waveform[1, 5:].any()
  np.testing.assert_array_equal(sound.samples.sum(axis=1), [8, 5])
  # A frame with any sound counts.
  np.testing.assert_array_equal(sound.frames, [[True, True], [True, True]])
  assert sound.num_valid == 13


def test_without_noise_the_target_is_what_is_heard():
  batch = {'waveform': jnp.ones((2, 8)), 'length': jnp.array([8, 4])}
  sound = sounds.from_batch(batch, hop_length=4)
  np.testing.assert_array_equal(sound.target, sound.waveform)
  assert not sound.denoise.any()
  clean = batch | {
      'target': jnp.zeros((2, 8)),
      'denoise': jnp.array([True, False]),
  }
  sound = sounds.from_batch(clean, hop_length=4)
  assert sound.waveform[0].all() and not sound.target.any()
  np.testing.assert_array_equal(sound.denoise, [[True], [False]])


def test_a_batch_of_nothing_does_not_divide_by_zero():
  batch = {'waveform': jnp.ones((1, 8)), 'length': jnp.array([0])}
  sound = sounds.from_batch(batch, hop_length=4)
  assert sound.num_valid == 1 and not sound.frames.any()
