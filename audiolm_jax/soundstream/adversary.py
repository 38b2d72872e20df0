"""The game against the discriminators (SoundStream s. III-D, III-E)."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

# What a discriminator makes of a waveform: its layers' outputs, logits last.
Features = Sequence[Float[Array, '...']]


class Round(NamedTuple):
  """One round of the game.

  Attributes:
    losses: 'adversarial', 'feature_matching' and 'discriminator'.
    gradients: Of the first two, with respect to the output.
    params: The discriminators' after the round.
    opt_state: Theirs, too.
  """

  losses: dict[str, Float[Array, '']]
  gradients: dict[str, Float[Array, 'B N']]
  params: PyTree
  opt_state: PyTree


@dataclasses.dataclass(frozen=True, eq=False)
class Adversary:
  """Discriminators, their optimizer and when they play.

  Attributes:
    discriminator: Maps waveforms 'B N' to the features of each discriminator.
    tx: Optimizer of the discriminators, with its own clipping.
    weights: Of the 'adversarial' and 'feature_matching' losses of the codec.
    start_step: Until this step the codec trains alone and at its own cost.
    update_every: Steps from one update of the discriminators to the next.
  """

  discriminator: nn.Module
  tx: optax.GradientTransformation
  weights: Mapping[str, float] = dataclasses.field(
      default_factory=lambda: {'adversarial': 1.0, 'feature_matching': 1.0}
  )
  start_step: int = 0
  update_every: int = 1

  def init(self, key: PRNGKeyArray, waveform: Float[Array, 'B N']) -> PyTree:
    """Returns the discriminators' parameters, boxed with their axis names."""
    return self.discriminator.init(key, waveform)['params']

  def play(
      self,
      params: PyTree,
      opt_state: PyTree,
      step: Int[Array, ''],
      target: Float[Array, 'B N'],
      output: Float[Array, 'B N'],
  ) -> Round:
    """Judges `output`; before `start_step` all is zero and costs nothing."""

    def wait() -> Round:
      zero = jnp.zeros(())
      names = ('adversarial', 'feature_matching')
      return Round(
          {name: zero for name in (*names, 'discriminator')},
          {name: jnp.zeros_like(output) for name in names},
          params,
          opt_state,
      )

    def judge() -> Round:
      return self._judge(params, opt_state, step, target, output)

    return jax.lax.cond(step >= self.start_step, judge, wait)

  def _judge(self, params, opt_state, step, target, output) -> Round:
    # Real and generated share one pass, whose losses share one forward.
    def evaluate(params, output):
      both = jnp.concatenate([target, output])
      outputs = self.discriminator.apply({'params': params}, both)
      real, fake = zip(*map(_halves, outputs), strict=True)
      return {
          'adversarial': adversarial_loss(fake),
          'feature_matching': feature_matching_loss(real, fake),
          'discriminator': discriminator_loss(real, fake),
      }

    values, pull = jax.vjp(evaluate, params, output)
    one, zeros = jnp.ones(()), jax.tree.map(jnp.zeros_like, values)
    gradients = {
        name: pull(zeros | {name: one})[1]
        for name in ('adversarial', 'feature_matching')
    }

    def learn():
      grads, _ = pull(zeros | {'discriminator': one})
      updates, new_opt_state = self.tx.update(grads, opt_state, params)
      return optax.apply_updates(params, updates), new_opt_state

    new_params, new_opt_state = jax.lax.cond(
        (step - self.start_step) % self.update_every == 0,
        learn,
        lambda: (params, opt_state),
    )
    return Round(values, gradients, new_params, new_opt_state)


def discriminator_loss(
    real: Sequence[Features], fake: Sequence[Features]
) -> Float[Array, '']:
  """Hinge loss of the discriminators, mean over them and their logits."""
  return _mean(
      jnp.mean(nn.relu(1 - r[-1])) + jnp.mean(nn.relu(1 + f[-1]))
      for r, f in zip(real, fake, strict=True)
  )


def adversarial_loss(fake: Sequence[Features]) -> Float[Array, '']:
  """The codec's side: max(0, 1 - D), not -D."""
  return _mean(jnp.mean(nn.relu(1 - f[-1])) for f in fake)


def feature_matching_loss(
    real: Sequence[Features], fake: Sequence[Features]
) -> Float[Array, '']:
  """Mean absolute difference of the inner layers, mean over all layers."""
  return _mean(
      jnp.mean(jnp.abs(a - b))
      for r, f in zip(real, fake, strict=True)
      for a, b in zip(r[:-1], f[:-1], strict=True)
  )


def _halves(features: Features) -> tuple[Features, Features]:
  pairs = [jnp.split(feature, 2) for feature in features]
  return [real for real, _ in pairs], [fake for _, fake in pairs]


def _mean(terms) -> Float[Array, '']:
  return jnp.mean(jnp.stack(list(terms)))
