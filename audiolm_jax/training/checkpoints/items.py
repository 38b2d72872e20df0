"""The parts of a checkpoint that are read apart."""

import json
from collections.abc import Mapping
from typing import Any

from etils import epath
from jaxtyping import PyTree

from audiolm_jax.errors import UserError
from audiolm_jax.training.checkpoints import trees
from audiolm_jax.training.state import TrainState

# Differences of each kind that are named.
_SHOWN = 6


def of_state(state: TrainState) -> dict[str, PyTree]:
  """Items that are read apart: a trained model needs no optimizer."""
  return {
      'weights': {'params': state.params, 'mutables': state.mutables},
      'optimizer': {'step': state.step, 'opt_state': state.opt_state},
  }


def restore(folder: epath.Path, like: TrainState) -> TrainState:
  restored = {
      item: trees.restore(folder / item, tree)
      for item, tree in of_state(like).items()
  }
  return TrainState(**restored['weights'], **restored['optimizer'])


def check_same_model(
    folder: epath.Path,
    stored: Mapping[str, Any],
    wanted: Mapping[str, Any],
    like: TrainState,
) -> None:
  wanted = json.loads(json.dumps(wanted))
  settings = [
      f'{name} is {stored.get(name)}, this run has {wanted.get(name)}'
      for name in sorted(stored.keys() | wanted.keys())
      if stored.get(name) != wanted.get(name)
  ]
  arrays = [
      difference
      for item, tree in of_state(like).items()
      for difference in trees.differences(folder / item, tree)
  ]
  # Some of each kind: a few settings of a model change most of its arrays.
  shown = settings[:_SHOWN] + arrays[:_SHOWN]
  if shown:
    rest = len(settings) + len(arrays) - len(shown)
    more = f'; and {rest} more' if rest else ''
    raise UserError(
        f'{folder} is of another model or optimizer:'
        f' {"; ".join(shown)}{more}; use a fresh MODEL_DIR.'
    )
