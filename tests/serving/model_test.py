"""Tests audiolm_jax/serving/model.py."""

import numpy as np
import tiny

from audiolm_jax.serving.model import Wish


def heard(model, prompt, **wish):
  rows = list(model.stream(prompt, Wish(seconds=0.4, **wish)))
  return [np.concatenate(parts) for parts in zip(*rows, strict=True)]


def test_the_prompt_one_hears_is_ones_own(model):
  prompt = tiny.noise(1, 1.01)[0]
  own, copy = (heard(model, prompt, keep_prompt=kept) for kept in (True, False))
  end = model.num_prompt_samples(prompt)
  faded = end - round(0.02 * model.sample_rate)
  np.testing.assert_array_equal(own[0][:faded], prompt[:faded])
  assert np.abs(copy[0][:faded] - prompt[:faded]).max() > 0.01
  np.testing.assert_array_equal(own[0][end:], copy[0][end:])
  assert len(own[0]) == model.num_samples(prompt, Wish(seconds=0.4))


def test_samples_of_one_prompt_differ_behind_it(model):
  prompt = tiny.noise(1, 1.0)[0]
  one, other = heard(model, prompt, num_samples=2)
  end = model.num_prompt_samples(prompt)
  np.testing.assert_array_equal(one[: end - 400], other[: end - 400])
  assert (one[end:] != other[end:]).any()
