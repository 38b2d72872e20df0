"""The game against the discriminators (SoundStream s. III-D, III-E)."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

T = TypeVar('T')

# Outputs of a discriminator's layers for a waveform, logits last.
Features = Sequence[Float[Array, '...']]
Matching = Callable[[Sequence[Features], Sequence[Features]], Float[Array, '']]


class Round(NamedTuple):
  """One round of the game.

  Attributes:
    losses: 'adversarial', 'feature_matching' and 'discriminator'.
    gradients: Gradients of the first two, with respect to the output.
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
    weights: Weights of the 'adversarial' and 'feature_matching' losses of the
      codec.
    start_step: Until this step the codec trains alone and at its own cost.
    update_every: Steps from one update of the discriminators to the next.
    matching: The feature matching loss, of the features of target and output;
      None for `feature_matching_loss`.
  """

  discriminator: nn.Module
  tx: optax.GradientTransformation
  weights: Mapping[str, float] = dataclasses.field(
      default_factory=lambda: {'adversarial': 1.0, 'feature_matching': 1.0}
  )
  start_step: int = 0
  update_every: int = 1
  matching: Matching | None = None

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

    return _choose(step >= self.start_step, judge, wait, self.start_step == 0)

  def _judge(self, params, opt_state, step, target, output) -> Round:
    # Apart, so that what only pulls at the output goes back through its half.
    real, pull_real = jax.vjp(lambda params: self._hear(params, target), params)
    fake, pull_fake = jax.vjp(self._hear, params, output)
    matching = functools.partial(self.matching or feature_matching_loss, real)
    values, gradients = {}, {}
    for name, loss in (
        ('adversarial', adversarial_loss),
        ('feature_matching', matching),
    ):
      values[name], cotangent = jax.value_and_grad(loss)(fake)
      _, gradients[name] = pull_fake(cotangent)
    values['discriminator'], (of_real, of_fake) = jax.value_and_grad(
        discriminator_loss, argnums=(0, 1)
    )(real, fake)

    def learn():
      (grads,), (more, _) = pull_real(of_real), pull_fake(of_fake)
      grads = jax.tree.map(jnp.add, grads, more)
      updates, new_opt_state = self.tx.update(grads, opt_state, params)
      return optax.apply_updates(params, updates), new_opt_state

    new_params, new_opt_state = _choose(
        (step - self.start_step) % self.update_every == 0,
        learn,
        lambda: (params, opt_state),
        always=self.update_every == 1,
    )
    return Round(values, gradients, new_params, new_opt_state)

  def _hear(
      self, params: PyTree, waveform: Float[Array, 'B N']
  ) -> Sequence[Features]:
    return self.discriminator.apply({'params': params}, waveform)


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


def relative_feature_matching_loss(
    real: Sequence[Features], fake: Sequence[Features]
) -> Float[Array, '']:
  """The same in units of each layer's mean size, as in EnCodec.

  Discriminators whose features grow would otherwise pull ever harder.
  """
  return _mean(
      jnp.mean(jnp.abs(a - b)) / jnp.maximum(jnp.mean(jnp.abs(a)), 1e-6)
      for r, f in zip(real, fake, strict=True)
      for a, b in zip(r[:-1], f[:-1], strict=True)
  )


def _choose(
    condition: Bool[Array, ''],
    yes: Callable[[], T],
    no: Callable[[], T],
    always: bool,
) -> T:
  # Inside a conditional XLA:CPU takes two to four times as long.
  return yes() if always else jax.lax.cond(condition, yes, no)


def _mean(terms) -> Float[Array, '']:
  return jnp.mean(jnp.stack(list(terms)))
