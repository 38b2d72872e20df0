"""Tests of the adversarial game."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from audiolm_jax.soundstream import adversary
from audiolm_jax.training.state import unbox


class Judge(nn.Module):
  """Two linear discriminators of one inner layer."""

  @nn.compact
  def __call__(self, waveform):
    outputs = []
    for _ in range(2):
      hidden = nn.Dense(4)(waveform)
      outputs.append([hidden, nn.Dense(1)(hidden)])
    return outputs


def setup(**settings):
  game = adversary.Adversary(Judge(), optax.sgd(0.1), **settings)
  target, output = (
      jax.random.normal(jax.random.key(i), (3, 8)) for i in range(2)
  )
  params = unbox(game.init(jax.random.key(2), target))
  return game, params, game.tx.init(params), target, output


@functools.partial(jax.jit, static_argnums=0)
def play(game, params, opt_state, target, output, step):
  return game.play(params, opt_state, jnp.int32(step), target, output)


def test_hinges():
  real, fake = [[jnp.array([2.0, 0.5])]], [[jnp.array([-3.0, 0.5])]]
  np.testing.assert_allclose(
      adversary.discriminator_loss(real, fake), (0 + 0.5) / 2 + (0 + 1.5) / 2
  )
  np.testing.assert_allclose(adversary.adversarial_loss(fake), (4.0 + 0.5) / 2)
  sure = [[jnp.array([1.5])]]
  assert adversary.adversarial_loss(sure) == 0


def test_feature_matching_leaves_the_logits_out():
  real = [[jnp.zeros(3), jnp.zeros(2), jnp.zeros(1)]]
  fake = [[jnp.ones(3), jnp.full(2, 3.0), jnp.full(1, 100.0)]]
  np.testing.assert_allclose(adversary.feature_matching_loss(real, fake), 2.0)


def test_relative_matching_does_not_see_the_size_of_features():
  real = [[jnp.full(3, 2.0), jnp.full(2, 4.0), jnp.zeros(1)]]
  fake = [[jnp.full(3, 1.0), jnp.full(2, 7.0), jnp.full(1, 100.0)]]
  larger = jax.tree.map(lambda x: 10 * x, (real, fake))
  for pair in ((real, fake), larger):
    loss = adversary.relative_feature_matching_loss(*pair)
    np.testing.assert_allclose(loss, (1 / 2 + 3 / 4) / 2)


def test_the_codec_is_pulled_by_the_matching_that_is_asked_for():
  losses = [
      play(*setup(matching=matching), jnp.int32(1)).losses['feature_matching']
      for matching in (None, adversary.relative_feature_matching_loss)
  ]
  assert losses[0] != losses[1]


@pytest.mark.parametrize('start_step', [0, 6])
def test_gradients_are_those_of_the_losses(start_step):
  game, params, opt_state, target, output = setup(start_step=start_step)
  result = play(game, params, opt_state, target, output, 6)

  def judge(x):
    return game.discriminator.apply({'params': params}, x)

  def adversarial(x):
    return adversary.adversarial_loss(judge(x))

  def matching(x):
    return adversary.feature_matching_loss(judge(target), judge(x))

  def discriminating(params):
    real, fake = (
        game.discriminator.apply({'params': params}, x)
        for x in (target, output)
    )
    return adversary.discriminator_loss(real, fake)

  np.testing.assert_allclose(
      result.gradients['adversarial'], jax.grad(adversarial)(output), atol=1e-6
  )
  np.testing.assert_allclose(
      result.gradients['feature_matching'],
      jax.grad(matching)(output),
      atol=1e-6,
  )
  expected = jax.tree.map(
      lambda p, g: p - 0.1 * g, params, jax.grad(discriminating)(params)
  )
  jax.tree.map(
      lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6),
      result.params,
      expected,
  )


def test_discriminators_learn_to_tell():
  game, params, opt_state, target, output = setup()
  first = play(game, params, opt_state, target, output, 0)
  result = first
  for step in range(100):
    result = play(game, result.params, result.opt_state, target, output, step)
  assert result.losses['discriminator'] < 0.2 * first.losses['discriminator']


def test_nothing_happens_before_the_start():
  game, params, opt_state, target, output = setup(start_step=5)
  before = play(game, params, opt_state, target, output, 4)
  jax.tree.map(np.testing.assert_array_equal, before.params, params)
  leaves = jax.tree.leaves((before.losses, before.gradients))
  assert all((leaf == 0).all() for leaf in leaves)
  after = play(game, params, opt_state, target, output, 5)
  assert after.losses['discriminator'] > 0


@pytest.mark.parametrize('step', range(5, 11))
def test_discriminators_move_every_third_step(step):
  game, params, opt_state, target, output = setup(start_step=5, update_every=3)
  result = play(game, params, opt_state, target, output, step)
  moved = any(
      (a != b).any()
      for a, b in zip(
          jax.tree.leaves(result.params), jax.tree.leaves(params), strict=True
      )
  )
  assert moved == (step in (5, 8))
  assert jnp.abs(result.gradients['adversarial']).max() > 0


def test_waiting_costs_no_discriminator():
  game, params, opt_state, target, output = setup(start_step=5)
  compiled = jax.jit(game.play).lower(
      params, opt_state, jnp.int32(0), target, output
  )
  text = compiled.as_text()
  outside = text.split('func.func private')[0].split('stablehlo.case')[0]
  assert 'dot_general' in text and 'dot_general' not in outside
