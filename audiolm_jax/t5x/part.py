"""A checkpoint of t5x as a part of a bundle."""

import os

from audiolm_jax.bundle.parts import Part
from audiolm_jax.errors import UserError
from audiolm_jax.t5x import checkpoint, parameters, stage_file
from audiolm_jax.tokens.layout import Stage
from audiolm_jax.training.state import sizes


def read(path: str | os.PathLike) -> tuple[str, Part]:
  """Name and part of a stage that t5x trained.

  Args:
    path: MODEL_DIR, or one of its checkpoints, with the run's stage.json.

  Raises:
    UserError: The path holds no such checkpoint, or one that does not fit the
      stage beside it.
  """
  folder = checkpoint.find(path)
  said = stage_file.read(folder)
  stage = Stage.from_config(said['stage'])
  model, params = parameters.from_t5x(checkpoint.read(folder), str(folder))
  # More rows than ids are t5x's custom, for the speed of TPUs.
  if model.vocab_size < stage.vocab_size:
    raise UserError(
        f'{folder} knows {model.vocab_size} ids, the {stage.name} stage in'
        f' {stage_file.NAME} has {stage.vocab_size}; give the file of this run.'
    )
  if stage.positions != 'index':
    raise UserError(
        f'{stage_file.NAME} beside {folder} has positions={stage.positions!r},'
        " but t5x counts ids ('index'); give the file of this run."
    )
  config = {'kind': 'language_model', **sizes(model), **said}
  return stage.name, Part(config, {'params': params})
