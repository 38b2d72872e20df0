"""Which checkpoint to trust: from the newest to the oldest."""

import logging
import time

from etils import epath

from audiolm_jax.errors import UserError
from audiolm_jax.training import digests

log = logging.getLogger(__name__)


def steps_folder(directory: epath.Path) -> epath.Path:
  """Where a run keeps its checkpoints, a folder a step."""
  return directory / 'checkpoints'


def newest_intact(directory: epath.Path) -> int | None:
  """Looks from the newest to the oldest, and says why it passes one over.

  Raises:
    UserError: There are checkpoints, and all are damaged.
  """
  steps = steps_folder(directory)
  names = [path.name for path in steps.iterdir()] if steps.is_dir() else []
  numbers = sorted(
      (int(name) for name in names if name.isdigit()), reverse=True
  )
  for step in numbers:
    reason = digests.damage(steps / str(step))
    if reason is None:
      return step
    log.warning('Checkpoint %d of %s is damaged: %s.', step, directory, reason)
  if numbers:
    raise UserError(
        f'Every checkpoint in {steps} is damaged; bring back a copy of one, or'
        ' remove the folder to start afresh.'
    )
  return None


def set_aside(directory: epath.Path, step: int) -> None:
  """Moves what is newer than the step away: Orbax would refuse its numbers."""
  for folder in list(steps_folder(directory).iterdir()):
    if folder.name.isdigit() and int(folder.name) > step:
      target = directory / 'damaged' / f'{folder.name}-{time.time_ns()}'
      target.parent.mkdir(exist_ok=True)
      folder.rename(target)
      log.warning('Moved checkpoint %s to %s.', folder.name, target)
