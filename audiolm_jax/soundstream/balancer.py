"""Gradient balancer: how hard each loss pulls the output (EnCodec s. 3.4)."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float


class NormAverage(NamedTuple):
  """Moving average of a gradient's norm: total / weight.

  Attributes:
    total: Decayed sum of the norms.
    weight: Decayed number of norms, so that the first are not biased to 0.
  """

  total: Float[Array, '']
  weight: Float[Array, '']


Averages = dict[str, NormAverage]
Gradients = Mapping[str, Float[Array, 'B N']]


def empty(names: Iterable[str]) -> Averages:
  """Averages that have seen nothing yet, for the names of the losses."""
  return {name: NormAverage(jnp.zeros(()), jnp.zeros(())) for name in names}


def norm(gradient: Float[Array, 'B N']) -> Float[Array, '']:
  """Size of a gradient; 1 is that of the mean absolute error.

  It depends neither on the size of the batch nor on the length of its rows.
  """
  rows = jnp.sqrt(jnp.square(gradient).sum(axis=-1))
  # That of the mean absolute error is 1 / (B N) everywhere: B rows of norm 1 /
  # (B sqrt N), and sqrt N makes their sum 1.
  return rows.sum() * gradient.shape[-1] ** 0.5


def update(averages: Averages, gradients: Gradients, decay: float) -> Averages:
  """Takes a batch's gradients into the averages.

  A gradient of zero, of a loss not yet switched on, leaves its average alone.
  """

  def one(average: NormAverage, gradient: Float[Array, 'B N']) -> NormAverage:
    size = norm(gradient)
    # Both are decayed, also where nothing is added: their ratio stays.
    return NormAverage(
        decay * average.total + size, decay * average.weight + (size > 0)
    )

  return {name: one(averages[name], gradients[name]) for name in averages}


def balance(
    gradients: Gradients, averages: Averages, weights: Mapping[str, float]
) -> Float[Array, 'B N']:
  """Sums the gradients, each brought to the norm `weights` on average."""
  # By the average and not by this batch's norm, so that a batch with little to
  # mend pulls little. EnCodec also divides by the sum of the weights, which
  # scales the whole.
  return sum(
      gradient
      * (weights[name] * averages[name].weight)
      / jnp.maximum(averages[name].total, 1e-12)
      for name, gradient in gradients.items()
  )


def combine(
    gradients: Gradients,
    averages: Averages,
    weights: Mapping[str, float],
    decay: float | None,
) -> tuple[Averages, Float[Array, 'B N']]:
  """Updates the averages and balances; a decay of None weights as it is."""
  if decay is None:
    return averages, sum(weights[k] * g for k, g in gradients.items())
  averages = update(averages, gradients, decay)
  return averages, balance(gradients, averages, weights)
