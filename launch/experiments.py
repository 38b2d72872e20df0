"""Named experiments: a folder, what it was started with, a run for each unit.

    EXPERIMENTS_DIR/NAME/experiment.json   the configuration
    EXPERIMENTS_DIR/NAME/UNIT              MODEL_DIR of a unit

The same name with the same configuration goes on from the checkpoints.
"""

import json
import re
from typing import Any, NamedTuple

from etils import epath

from audiolm_jax.errors import UserError
from launch.sweeps import Sweep, Unit


class Experiment(NamedTuple):
  """A training with a name, and the folder that keeps it.

  Attributes:
    name: Letters, digits, `.`, `_` and `-`.
    directory: Folder of all experiments, as the workers see it.
    gin_files: Read in this order.
    gin_bindings: NAME=VALUE each; win over the files.
    sweeps: Win over both.
  """

  name: str
  directory: str
  gin_files: tuple[str, ...]
  gin_bindings: tuple[str, ...] = ()
  sweeps: tuple[Sweep, ...] = ()

  @property
  def folder(self) -> epath.Path:
    return epath.Path(self.directory) / self.name

  def model_dir(self, unit: Unit) -> str:
    return str(self.folder / unit.name)

  def configuration(self) -> dict[str, Any]:
    """JSON that two launches of one experiment have in common."""
    return {
        'gin_files': list(self.gin_files),
        'gin_bindings': list(self.gin_bindings),
        'sweep': [
            [name, list(map(repr, values))] for name, values in self.sweeps
        ],
    }


def check(experiment: Experiment) -> None:
  """Refuses what cannot be launched, without writing anything.

  Raises:
    UserError: A bad name, no Gin file, MODEL_DIR set by hand, or a folder that
      was started with another configuration.
  """
  if not re.fullmatch(r'\w[\w.-]*', experiment.name, re.ASCII):
    raise UserError(
        f'--experiment={experiment.name} names a folder: letters, digits, ".",'
        ' "_" and "-" only.'
    )
  if not experiment.gin_files:
    raise UserError('Give --gin_file=FILE; gin/ holds one for each model.')
  names = [binding.partition('=')[0] for binding in experiment.gin_bindings]
  if 'MODEL_DIR' in [
      *map(str.strip, names),
      *(s.name for s in experiment.sweeps),
  ]:
    raise UserError(
        'MODEL_DIR is EXPERIMENTS_DIR/EXPERIMENT/UNIT here; leave it out.'
    )
  _compare(experiment)


def record(experiment: Experiment) -> None:
  """Writes down what the experiment is started with, unless it is there.

  Raises:
    UserError: The folder cannot be written to.
  """
  path = _path(experiment)
  partial = path.with_name('experiment.json.partial')
  text = json.dumps(experiment.configuration(), indent=2) + '\n'
  try:
    if not path.exists():
      experiment.folder.mkdir(parents=True, exist_ok=True)
      partial.write_text(text)
      partial.replace(path)
  except OSError as error:
    raise UserError(
        f'Cannot write {path} ({error.strerror}); --experiments_dir is the same'
        ' folder here and where it trains.'
    ) from error


def _path(experiment: Experiment) -> epath.Path:
  return experiment.folder / 'experiment.json'


def _compare(experiment: Experiment) -> None:
  path = _path(experiment)
  if not path.exists():
    return
  try:
    before = json.loads(path.read_text())
  except json.JSONDecodeError as error:
    raise UserError(f'{path} is damaged ({error}); remove it.') from error
  for name, value in experiment.configuration().items():
    if before.get(name) != value:
      raise UserError(
          f'{experiment.folder} was started with {name} {before.get(name)}, not'
          f' {value}; take another --experiment, or the same {name}.'
      )
