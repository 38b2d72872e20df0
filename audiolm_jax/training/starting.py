"""Starting a run from weights that another one learnt."""

import logging
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from flax import traverse_util
from jaxtyping import PyTree

from audiolm_jax.errors import UserError
from audiolm_jax.training.checkpoints import trees
from audiolm_jax.training.state import TrainState

log = logging.getLogger(__name__)


def replace(
    state: TrainState,
    initial: Mapping[str, PyTree],
    config: Mapping[str, Any],
) -> TrainState:
  """The state with the arrays that are given in the place of its own.

  Args:
    state: A fresh one, on the devices that it shall stay on.
    initial: 'params' and 'mutables', nested dicts that may hold only some of
      the state's arrays: what they do not hold stays fresh; and the 'config' of
      the model they are of.
    config: Configuration of the model in the state. Tokens of other tokenizers
      are legal, and logged: the weights then start with what carries over.

  Raises:
    UserError: The state has no such array, or one of another shape; or it is
      of another stage.
  """
  initial = dict(initial)
  _compare(initial.pop('config', {}), config)
  wanted = {'params': state.params, 'mutables': state.mutables}
  if 'ema' in state.mutables:
    # An average of parameters begins where they do.
    average = {'ema': initial.get('params', {})}
    initial['mutables'] = initial.get('mutables', {}) | average
  given = traverse_util.flatten_dict(initial, sep='/')
  _check(given, traverse_util.flatten_dict(trees.by_name(wanted), sep='/'))

  def pick(path: jax.tree_util.KeyPath, leaf: jax.Array) -> jax.Array:
    name = '/'.join(trees.names(path))
    return _place(given[name], leaf) if name in given else leaf

  return state.replace(**jax.tree.map_with_path(pick, wanted))


def _place(array: Any, like: jax.Array) -> jax.Array:
  """On the same devices, every process its own share."""
  array = np.asarray(array, like.dtype)
  return jax.make_array_from_callback(
      like.shape, like.sharding, lambda index: array[index]
  )


def _compare(given: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
  if not given:
    return
  pair = given, wanted
  stages = [(config.get('stage') or {}).get('name') for config in pair]
  if stages[0] != stages[1]:
    raise UserError(
        f'The initial weights are of the stage {stages[0]}, this run trains'
        f' {stages[1]}.'
    )
  tokens = [config.get('tokenizers') for config in pair]
  if tokens[0] != tokens[1]:
    log.warning('The initial weights learnt tokens of %s, not %s.', *tokens)


def _check(given: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
  for name, array in given.items():
    shape = list(wanted[name].shape) if name in wanted else 'no such array'
    if shape != list(array.shape):
      raise UserError(
          f'The initial weights are of another model: {name} is'
          f' {list(array.shape)}, this run has {shape}.'
      )
