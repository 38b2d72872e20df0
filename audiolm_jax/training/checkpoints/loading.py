"""Trained models from their folders alone."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from etils import epath
from jaxtyping import PyTree

from audiolm_jax.errors import UserError
from audiolm_jax.training.checkpoints import checksums, digests, fallback, trees


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


def load_params(directory: str) -> Model:
  """Loads a trained model from its folder alone, on one device.

  Args:
    directory: A run's folder, whose newest intact checkpoint is taken, or one
      of its checkpoints, RUN/checkpoints/STEP.

  Raises:
    UserError: The folder holds no checkpoint, or it is damaged.
  """
  for folder in _candidates(epath.Path(directory).absolute()):
    weights = trees.restore_stored(folder / 'weights')
    run = fallback.read_run(folder)
    changed = checksums.changed(weights, run.checksums)
    if not changed:
      return Model(run.model, weights['params'], weights.get('mutables', {}))
    fallback.pass_over(folder, f'{changed[0]} is not what was saved')
  raise UserError(
      f'{directory} holds no checkpoint that can be read; give the folder that'
      ' a training run wrote (MODEL_DIR), or one of its checkpoints.'
  )


def _candidates(path: epath.Path) -> Iterable[epath.Path]:
  if not fallback.is_checkpoint(path):
    return fallback.intact(path)
  if reason := digests.damage(path):
    raise UserError(
        f'Checkpoint {path} is damaged or missing: {reason}; choose another.'
    )
  return [path]
