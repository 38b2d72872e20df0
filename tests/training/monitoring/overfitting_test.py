"""Tests audiolm_jax/training/monitoring/overfitting.py."""

import logging

import jax.numpy as jnp

from audiolm_jax.training.loop import train
from audiolm_jax.training.monitoring.overfitting import Overfitting
from tests.training import toy


def warnings(trained, held_out):
  """What is said of evaluations ten steps apart."""
  overfitting, said = Overfitting(), []
  for number, losses in enumerate(zip(trained, held_out, strict=True), start=1):
    for change in (-0.1, 0.1):
      overfitting.add(losses[0] + change)
    said.append(overfitting.warning(10 * number, losses[1]))
  return said


def test_it_is_said_once_with_the_best_step():
  trained = [3.0, 2.5, 2.0, 1.5, 1.0, 0.5, 0.3]
  held_out = [3.0, 2.6, 2.7, 2.8, 2.9, 3.0, 3.1]
  said = warnings(trained, held_out)
  assert [bool(each) for each in said] == [False] * 4 + [True, False, False]
  assert 'at step 20 (2.6, now 2.9)' in said[4]
  assert 'fell (2.5, now 1)' in said[4]


def test_a_single_bad_evaluation_is_noise():
  assert not any(warnings([3.0, 2.5, 2.0, 1.5], [3.0, 2.0, 2.1, 1.9]))


def test_it_is_said_as_soon_as_training_falls_below_its_best():
  said = warnings([1.0, 1.5, 1.4, 1.2, 0.8], [1.0, 2.0, 2.1, 2.2, 2.3])
  assert [bool(each) for each in said] == [False] * 4 + [True]


def test_diverging_is_not_overfitting():
  assert not any(warnings([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]))


def test_a_run_that_goes_on_begins_with_an_evaluation():
  """One that is evaluated before it took a step has nothing to compare."""
  assert Overfitting().warning(10, 1.0) is None


class Rising(toy.ToyTrainStep):
  """Its held-out loss rises with every step."""

  def evaluate(self, state, batch):
    return {'loss': state.step.astype(jnp.float32), 'weight': jnp.ones(())}


def test_a_run_says_it(tmp_path, caplog):
  caplog.set_level(logging.WARNING)
  train(
      Rising(),
      toy.ToyData(),
      str(tmp_path),
      50,
      eval_data=toy.ToyData,
      eval_every=10,
      num_eval_batches=1,
  )
  assert 'lowest at step 10 (10, now 40)' in caplog.text
