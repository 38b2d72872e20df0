"""Choice of a checkpoint to trust: from the newest to the oldest."""

import logging
import time
from collections.abc import Iterable, Iterator
from typing import Any

from etils import epath
from msgspec import Struct

from audiolm_jax import described
from audiolm_jax.errors import UserError
from audiolm_jax.training.checkpoints import digests

log = logging.getLogger(__name__)

_STEPS = 'checkpoints'
_MEND = 'choose another checkpoint, or copy the run again.'


class Run(Struct):
  """The description of a run inside of a checkpoint.

  Attributes:
    data: Position of the data.
    model: Configuration that rebuilds the module.
    config: The Gin configuration.
    checksums: Checksums of the arrays, by name.
  """

  data: dict[str, Any]
  model: dict[str, Any]
  config: str
  checksums: dict[str, int]


def steps_folder(directory: epath.Path) -> epath.Path:
  """Returns where a run keeps its checkpoints, a folder a step."""
  return directory / _STEPS


def is_checkpoint(path: epath.Path) -> bool:
  """Returns whether this names one checkpoint and not a run."""
  return path.name.isdigit() and path.parent.name == _STEPS


def read_run(folder: epath.Path) -> Run:
  """Reads a checkpoint's description of its run.

  Raises:
    UserError: Somebody else wrote it.
  """
  path = folder / 'run' / 'metadata'
  value = described.read(path.read_bytes(), str(path), _MEND)
  return described.check(value, Run, f'{path} is damaged', _MEND)


def candidates(directory: str) -> Iterable[epath.Path]:
  """The checkpoints of a run that may do, or the one that is named.

  Raises:
    UserError: The path names one checkpoint, and that is damaged.
  """
  path = epath.Path(directory).absolute()
  if not is_checkpoint(path):
    return intact(path)
  if reason := digests.damage(path):
    raise UserError(
        f'Checkpoint {path} is damaged or missing: {reason}; choose another.'
    )
  return [path]


def intact(directory: epath.Path) -> Iterator[epath.Path]:
  """Checkpoints without damage, the newest first; says why others are not.

  Take the next one only if the one before would not do.

  Raises:
    UserError: There are checkpoints, and none would do.
  """
  steps = steps_folder(directory)
  names = [path.name for path in steps.iterdir()] if steps.is_dir() else []
  folders = sorted(
      (steps / name for name in names if name.isdigit()),
      key=lambda folder: int(folder.name),
      reverse=True,
  )
  for folder in folders:
    if reason := digests.damage(folder):
      pass_over(folder, reason)
    else:
      yield folder
  if folders:
    raise UserError(
        f'Every checkpoint in {steps} is damaged; bring back a copy of one, or'
        ' remove the folder to start afresh.'
    )


def pass_over(folder: epath.Path, reason: str) -> None:
  """Names a checkpoint that is not used."""
  run = folder.parent.parent
  log.warning('Checkpoint %s of %s is damaged: %s.', folder.name, run, reason)


def set_aside(directory: epath.Path, step: int) -> None:
  """Moves what is newer than the step away: Orbax would refuse its numbers."""
  for folder in list(steps_folder(directory).iterdir()):
    if folder.name.isdigit() and int(folder.name) > step:
      target = directory / 'damaged' / f'{folder.name}-{time.time_ns()}'
      target.parent.mkdir(exist_ok=True)
      folder.rename(target)
      log.warning('Moved checkpoint %s to %s.', folder.name, target)
