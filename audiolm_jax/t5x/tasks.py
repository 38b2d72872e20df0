"""A token store's stages as tasks that t5x finds in seqio's registry.

Nothing is registered by importing this: gin/t5x.gin calls `register`.
"""

import os

import seqio
import tensorflow as tf

from audiolm_jax.errors import UserError
from audiolm_jax.t5x import stage_file
from audiolm_jax.tokens.batches import crops_task
from audiolm_jax.tokens.layout import Stage
from audiolm_jax.tokens.store import shards, store

# What stands in the registry under each name.
_registered: dict[str, tuple[str, Stage, float]] = {}


def register(
    token_dir: str,
    stage: Stage,
    crop_seconds: float,
    model_dir: str | None = None,
) -> str:
  """Registers random crops of a store's recordings as `audiolm/<stage>`.

  The same may be registered again, as Gin does for every dataset of a run.

  Args:
    token_dir: A finished token store.
    stage: Layout of the sequences.
    crop_seconds: Length of the crops.
    model_dir: Gets stage.json, which `audiolm import --family=t5x` reads.

  Returns:
    The name, which is t5x's MIXTURE_OR_TASK_NAME.

  Raises:
    UserError: These do not fit each other or the store, or the name is taken by
      another store, stage or length.
  """
  if stage.positions != 'index':
    raise UserError(
        f'The {stage.name} stage has positions={stage.positions!r}; t5x counts'
        " ids, so train it with positions='index'."
    )
  task = crops_task.task(token_dir, stage, crop_seconds, random=True)
  name = f'audiolm/{stage.name}'
  wanted = token_dir, stage, crop_seconds
  # A task's own name has no slash; t5x's evaluations look it up by that.
  for key in (name, task.name):
    if key not in seqio.TaskRegistry.names():
      seqio.TaskRegistry.add_provider(key, task)
      _registered[key] = wanted
    elif _registered.get(key) != wanted:
      raise UserError(
          f'{key} is registered with other tokens, another layout or other'
          ' crop_seconds in this process; start another one for these.'
      )
  if model_dir:
    _describe(model_dir, token_dir, stage, crop_seconds)
  return name


def _describe(
    model_dir: str, token_dir: str, stage: Stage, crop_seconds: float
) -> None:
  tokenizers = store.fingerprints(token_dir)
  said = stage_file.contents(stage, crop_seconds, tokenizers)
  tf.io.gfile.makedirs(model_dir)
  shards.write_json(os.path.join(model_dir, stage_file.NAME), said)


def feature_lengths(stage: Stage, crop_seconds: float) -> dict[str, int]:
  """Lengths of the task's features: t5x's TASK_FEATURE_LENGTHS."""
  length = stage.length(stage.frames(crop_seconds))
  return dict.fromkeys(('targets', 'loss_weights', 'segment_ids'), length)
