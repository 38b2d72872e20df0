"""Tests audiolm_jax/serving/trials.py."""

import pathlib

import pytest
import soundfile
import tiny

from audiolm_jax.classifier.labels import GENERATED, ORIGINAL
from audiolm_jax.serving import trials

RECORDINGS = [pathlib.Path(name) for name in 'abc']


def drawn(seed, count=30):
  return [trials.trial(RECORDINGS, seed, number) for number in range(count)]


def test_the_order_is_that_of_the_seed():
  assert drawn(1) == drawn(1)
  assert drawn(1) != drawn(2)


def test_each_recording_comes_once_before_any_comes_again():
  for start in range(0, 30, 3):
    three = drawn(1)[start : start + 3]
    assert {trial.recording for trial in three} == set(RECORDINGS)


def test_a_coin_says_what_is_real():
  truths = [trial.truth for trial in drawn(1, 400)]
  assert set(truths) == {ORIGINAL, GENERATED}
  # Four standard deviations.
  assert abs(truths.count(ORIGINAL) - 200) < 40


def test_a_continuation_is_never_heard_twice():
  assert len({trial.seed for trial in drawn(1)}) == 30


def test_neither_length_nor_prompt_tell_which_kind_it_is(model, tmp_path):
  path = tmp_path / 'a.wav'
  soundfile.write(path, tiny.noise(1, 1.0)[0], 16000)
  real, made = (
      trials.sound(trials.Trial(0, path, truth, 0), model)
      for truth in (ORIGINAL, GENERATED)
  )
  assert len(real[0]) == len(made[0]) == pytest.approx(0.9 * 16000)
  assert real[1] == made[1] == pytest.approx(0.48)
  # The codec hears nothing of what follows.
  start = round(0.4 * 16000)
  assert real[0][:start] == pytest.approx(made[0][:start], abs=1e-4)
  assert (real[0] != made[0]).any()
