"""Steps that lead nowhere are left out, and said."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, PRNGKeyArray, PyTree

from audiolm_jax.training.state import Batch, Metrics, TrainState, TrainStep


class SkipNonFinite:
  """A train step that stays where it is if a loss or the state is not finite.

  The count of steps goes on, and with it the data and the noise. The metric
  'skipped' is 1 for such a step. Otherwise it is the train step given.

  optax.apply_if_finite would look at gradients only, keep its count in the
  state, and let codebooks and averages take in what is not finite.
  """

  def __init__(self, train_step: TrainStep):
    """Args: the train step to guard."""
    self._train_step = train_step
    # Attributes, as from Python 3.12 on no check of a Protocol asks
    # __getattr__.
    self.variables = train_step.variables
    self.init = train_step.init
    self.evaluate = train_step.evaluate
    self.waveforms = train_step.waveforms
    self.warnings = train_step.warnings
    self.model_config = train_step.model_config

  def step(
      self, state: TrainState, batch: Batch, key: PRNGKeyArray
  ) -> tuple[TrainState, Metrics]:
    """Costs a look at the new state, and memory for the old one till then."""
    new_state, metrics = self._train_step.step(state, batch, key)
    good = _all_finite((new_state, metrics))
    old_state = state.replace(step=new_state.step)
    kept = jax.tree.map(
        lambda new, old: jnp.where(good, new, old), new_state, old_state
    )
    return kept, metrics | {'skipped': 1 - good.astype(jnp.float32)}


def _all_finite(tree: PyTree) -> Bool[Array, '']:
  leaves = [leaf for leaf in jax.tree.leaves(tree) if _is_inexact(leaf)]
  return jnp.stack([jnp.isfinite(leaf).all() for leaf in leaves]).all()


def _is_inexact(leaf: Array) -> bool:
  return jnp.issubdtype(leaf.dtype, jnp.inexact)
