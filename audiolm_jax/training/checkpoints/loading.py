"""Trained models from their folders alone."""

from typing import Any, NamedTuple

from jaxtyping import PyTree

from audiolm_jax.errors import UserError


class Model(NamedTuple):
  """A trained model; containers of any kind have become dicts.

  Attributes:
    config: Configuration that rebuilds the module, `TrainStep.model_config()`.
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
  # Late: Orbax comes with the extra for training, and bundles do without it.
  from audiolm_jax.training.checkpoints import checksums, fallback, trees

  for folder in fallback.candidates(directory):
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
