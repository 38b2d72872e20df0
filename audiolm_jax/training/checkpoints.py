"""Checkpoints that know when they are damaged and rebuild their model.

A model's folder:
  model.json, config.gin   the newest run's, for the reader
  checkpoints/<step>/      weights, optimizer, run (JSON) and their digests
  damaged/                 checkpoints set aside because a digest did not match
"""

import json
import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
import orbax.checkpoint as ocp
from etils import epath
from jax.experimental import multihost_utils
from jaxtyping import PyTree

from audiolm_jax.errors import UserError
from audiolm_jax.training import digests, fallback, trees
from audiolm_jax.training.state import TrainState

log = logging.getLogger(__name__)

# Orbax stamps it with the time of the commit, after the seal is set.
_VOLATILE = frozenset({'_CHECKPOINT_METADATA'})


class Restored(NamedTuple):
  """Where a run goes on."""

  state: TrainState
  data_state: dict[str, Any]


class Model(NamedTuple):
  """A trained model; containers of any kind have become dicts.

  Attributes:
    config: What rebuilds the module, `TrainStep.model_config()`.
    params: Nested dicts of arrays on one device.
    mutables: The same, {} if the model has none.
  """

  config: dict[str, Any]
  params: PyTree
  mutables: PyTree


class Checkpoints:
  """The checkpoints of one run; every process makes the same calls."""

  def __init__(self, directory: str, keep: int = 3):
    """Opens or makes the folder.

    Args:
      directory: The run's folder, local or gs://.
      keep: Number of newest checkpoints kept; with 1 nothing is left to fall
        back on while damage goes unnoticed.

    Raises:
      UserError: The folder cannot be written.
    """
    self.directory = epath.Path(directory).absolute()
    self._sealing = -1
    try:
      fallback.steps_folder(self.directory).mkdir(parents=True, exist_ok=True)
    except OSError as error:
      raise UserError(
          f'{directory} cannot be made ({error.strerror}); set MODEL_DIR to a'
          ' folder that can be written.'
      ) from error
    self._manager = ocp.CheckpointManager(
        fallback.steps_folder(self.directory),
        options=ocp.CheckpointManagerOptions(
            max_to_keep=keep,
            cleanup_tmp_directories=True,
            async_options=ocp.AsyncOptions(
                post_finalization_callback=self._seal
            ),
        ),
    )

  def __enter__(self) -> 'Checkpoints':
    return self

  def __exit__(self, *exception: object) -> None:
    self._manager.close()

  def save(
      self,
      step: int,
      state: TrainState,
      data_state: Mapping[str, Any],
      model_config: Mapping[str, Any],
      operative_config: str = '',
  ) -> None:
    """Saves in the background; returns when the state may be donated.

    Args:
      step: Number of steps taken.
      state: What they led to.
      data_state: JSON of the data's position, equal on all processes.
      model_config: JSON that rebuilds the model.
      operative_config: The run's Gin configuration.
    """
    # The seal is set by the previous save's thread, which must know its step.
    self._manager.wait_until_finished()
    self._sealing = step
    if jax.process_index() == 0:
      _write(self.directory / 'model.json', json.dumps(model_config, indent=2))
      _write(self.directory / 'config.gin', operative_config)
    run = {
        'data': dict(data_state),
        'model': dict(model_config),
        'config': operative_config,
    }
    items = {
        item: ocp.args.StandardSave(trees.by_name(tree))
        for item, tree in _items(state).items()
    }
    self._manager.save(
        step,
        args=ocp.args.Composite(**items, run=ocp.args.JsonSave(run)),
        force=True,
    )

  def restore_latest(
      self, like: TrainState, model_config: Mapping[str, Any]
  ) -> Restored | None:
    """Goes back to the newest intact checkpoint; damaged ones are set aside.

    Args:
      like: Shapes, dtypes and shardings wanted; the mesh may have changed.
      model_config: The model that wants the state.

    Returns:
      None if there is nothing to restore.

    Raises:
      UserError: Every checkpoint is damaged, or they are another model's.
    """
    self._manager.wait_until_finished()
    step = self._agree_on_step()
    self._manager.reload()
    if step is None:
      return None
    folder = fallback.steps_folder(self.directory) / str(step)
    run = _read_run(folder)
    _check_same_model(run['model'], model_config, self.directory)
    state = TrainState(
        **{
            name: value
            for item, tree in _items(like).items()
            for name, value in trees.restore(folder / item, tree).items()
        }
    )
    log.info('Restored step %d of %s.', step, self.directory)
    return Restored(state, run['data'])

  def reached_preemption(self, step: int) -> bool:
    """Says on all processes at once that the cluster wants the machine back."""
    return self._manager.reached_preemption(step)

  def _agree_on_step(self) -> int | None:
    """Process 0 looks; all go where it says, so that none is left waiting."""
    step, damaged = -1, None
    if jax.process_index() == 0:
      try:
        found = fallback.newest_intact(self.directory)
      except UserError as error:
        damaged = error
      else:
        if found is not None:
          fallback.set_aside(self.directory, found)
          step = found
    if jax.process_count() > 1:
      told = np.int32(-2 if damaged else step)
      step = int(multihost_utils.broadcast_one_to_all(told))
    if damaged or step == -2:
      message = f'{self.directory} holds no intact checkpoint.'
      raise damaged or UserError(message)
    return None if step < 0 else step

  def _seal(self) -> None:
    """Runs after the last file is written and before the folder is renamed."""
    prefix = f'{self._sealing}.'
    for folder in fallback.steps_folder(self.directory).iterdir():
      if f'{folder.name}.'.startswith(prefix):
        digests.seal(folder, _VOLATILE)


def load_params(directory: str, step: int | None = None) -> Model:
  """Loads a trained model from its folder alone, on one device.

  Args:
    directory: A run's folder.
    step: Which checkpoint; the newest intact one if None.

  Raises:
    UserError: The folder holds no checkpoint, or it is damaged.
  """
  root = epath.Path(directory).absolute()
  if step is None:
    step = fallback.newest_intact(root)
  elif reason := digests.damage(fallback.steps_folder(root) / str(step)):
    raise UserError(
        f'Checkpoint {step} of {directory} is damaged or missing: {reason};'
        ' choose another step.'
    )
  if step is None:
    raise UserError(
        f'{directory} holds no checkpoint; give the folder that a training run'
        ' wrote (MODEL_DIR).'
    )
  folder = fallback.steps_folder(root) / str(step)
  weights = trees.restore_stored(folder / 'weights')
  return Model(
      _read_run(folder)['model'],
      weights['params'],
      weights.get('mutables', {}),
  )


def _items(state: TrainState) -> dict[str, PyTree]:
  """What is read apart: a trained model needs no optimizer."""
  return {
      'weights': {'params': state.params, 'mutables': state.mutables},
      'optimizer': {'step': state.step, 'opt_state': state.opt_state},
  }


def _read_run(folder: epath.Path) -> dict[str, Any]:
  return json.loads((folder / 'run' / 'metadata').read_text())


def _check_same_model(
    stored: Mapping[str, Any], wanted: Mapping[str, Any], directory: epath.Path
) -> None:
  wanted = json.loads(json.dumps(wanted))
  for name in sorted(stored.keys() | wanted.keys()):
    if stored.get(name) != wanted.get(name):
      raise UserError(
          f'{directory} is of another model: {name} is {stored.get(name)},'
          f' this run has {wanted.get(name)}; use a fresh MODEL_DIR.'
      )


def _write(path: epath.Path, text: str) -> None:
  """Never leaves half a file."""
  partial = path.parent / f'{path.name}.partial'
  partial.write_text(text)
  partial.replace(path)
