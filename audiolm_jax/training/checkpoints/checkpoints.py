"""Checkpoints that know when they are damaged and rebuild their model.

A model's folder:
  model.json, config.gin   the newest run's, for the reader
  checkpoints/<step>/      weights, optimizer, run (JSON) and their digests
  damaged/                 checkpoints set aside because a digest did not match
"""

import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
import orbax.checkpoint as ocp
from etils import epath
from jax.experimental import multihost_utils

from audiolm_jax.errors import UserError
from audiolm_jax.training.checkpoints import (
    checksums,
    digests,
    fallback,
    items,
    keeping,
    trees,
    unwritable,
)
from audiolm_jax.training.state import TrainState

log = logging.getLogger(__name__)

# Instead of a step: there is no checkpoint; there are, and all are damaged.
_NONE, _DAMAGED = -1, -2

# Orbax stamps it with the time of the commit, after the seal is set.
_VOLATILE = frozenset({'_CHECKPOINT_METADATA'})


class Restored(NamedTuple):
  """The state and the position of the data that a run goes on from."""

  state: TrainState
  data_state: dict[str, Any]


class Checkpoints:
  """The checkpoints of one run; every process makes the same calls."""

  def __init__(
      self,
      directory: str,
      keep: int = 3,
      keep_best: int = 0,
      keep_every: int = 0,
      best_metric: str = 'loss',
  ):
    """Opens or makes the folder.

    Args:
      directory: The run's folder, local or gs://.
      keep: Number of newest checkpoints kept; with 1 nothing is left to fall
        back on while damage goes unnoticed.
      keep_best: Number kept besides, of those with the lowest best_metric.
      keep_every: Checkpoints whose step it divides are kept too; 0 for none.
      best_metric: One of the metrics given to save.

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
    if keep_best:
      self._hide_damaged_metrics()
    self._manager = ocp.CheckpointManager(
        fallback.steps_folder(self.directory),
        options=keeping.options(
            keep, keep_best, keep_every, best_metric, self._seal
        ),
    )

  def __enter__(self) -> 'Checkpoints':
    return self

  def __exit__(self, *exception: object) -> None:
    with unwritable.named(self.directory):
      self._manager.close()

  def save(
      self,
      step: int,
      state: TrainState,
      data_state: Mapping[str, Any],
      model_config: Mapping[str, Any],
      operative_config: str = '',
      metrics: Mapping[str, float] | None = None,
  ) -> None:
    """Saves in the background; returns when the state may be donated.

    Args:
      step: Number of steps taken.
      state: State after these steps.
      data_state: JSON of the data's position, equal on all processes.
      model_config: JSON that rebuilds the model.
      operative_config: The run's Gin configuration.
      metrics: Means that an evaluation of the state found, or None.
    """
    # The seal is set by the previous save's thread, which must know its step.
    self.wait()
    self._sealing = step
    if jax.process_index() == 0:
      with unwritable.named(self.directory):
        _write(
            self.directory / 'model.json', json.dumps(model_config, indent=2)
        )
        _write(self.directory / 'config.gin', operative_config)
    run = {
        'data': dict(data_state),
        'model': dict(model_config),
        'config': operative_config,
        # Taken now: the step that follows donates these arrays.
        'checksums': checksums.of_leaves(state),
    }
    saved = {
        item: ocp.args.StandardSave(trees.by_name(tree))
        for item, tree in items.of_state(state).items()
    }
    with unwritable.named(self.directory):
      self._manager.save(
          step,
          args=ocp.args.Composite(**saved, run=ocp.args.JsonSave(run)),
          metrics=metrics,
          # The loop says when; Orbax's own intervals are not asked.
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
    candidates = fallback.intact(self.directory)
    while (step := self._agree_on_next(candidates)) is not None:
      folder = fallback.steps_folder(self.directory) / str(step)
      run = fallback.read_run(folder)
      items.check_same_model(folder, run.model, model_config, like)
      state = items.restore(folder, like)
      changed = checksums.changed(state, run.checksums)
      # The files were whole; this sees the way to them and back, to this mesh.
      if not changed:
        self._forget_newer(step)
        log.info('Restored step %d of %s.', step, self.directory)
        return Restored(state, run.data)
      fallback.pass_over(folder, f'{changed[0]} is not what was saved')
    return None

  def wait(self) -> None:
    """Returns when what was saved last is on disk.

    Raises:
      UserError: The checkpoint could not be saved.
    """
    with unwritable.named(self.directory):
      self._manager.wait_until_finished()

  def _agree_on_next(self, candidates: Iterator[epath.Path]) -> int | None:
    """Process 0 looks; all go where it says, so that none is left waiting."""
    step, damaged = _NONE, None
    if jax.process_index() == 0:
      try:
        found = next(candidates, None)
      except UserError as error:
        step, damaged = _DAMAGED, error
      else:
        step = int(found.name) if found else _NONE
    if jax.process_count() > 1:
      step = int(multihost_utils.broadcast_one_to_all(np.int32(step)))
    if step == _DAMAGED:
      # Only process 0 knows the reason; the others must stop with it.
      message = f'{self.directory} holds no intact checkpoint.'
      raise damaged or UserError(message)
    return None if step == _NONE else step

  def _hide_damaged_metrics(self) -> None:
    if jax.process_index() == 0:
      keeping.hide_damaged_metrics(fallback.steps_folder(self.directory))
    if jax.process_count() > 1:
      multihost_utils.sync_global_devices('damaged metrics are hidden')

  def _forget_newer(self, step: int) -> None:
    if jax.process_index() == 0:
      fallback.set_aside(self.directory, step)
    if jax.process_count() > 1:
      multihost_utils.sync_global_devices('damaged checkpoints are set aside')
    self._manager.reload()

  def _seal(self) -> None:
    """Runs after the last file is written and before the folder is renamed."""
    # Orbax's suffix begins with a dot, which keeps step 10 apart from 100.
    prefix = f'{self._sealing}.'
    for folder in fallback.steps_folder(self.directory).iterdir():
      if f'{folder.name}.'.startswith(prefix):
        digests.seal(folder, _VOLATILE)


def _write(path: epath.Path, text: str) -> None:
  """Never leaves half a file."""
  partial = path.parent / f'{path.name}.partial'
  partial.write_text(text)
  partial.replace(path)
