"""Arguments of `audiolm train` by which a part of a bundle learns on."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from audiolm_jax.bundle import parts
from audiolm_jax.lm.transformer import Transformer
from audiolm_jax.soundstorm.model import SoundStorm

# Fields of networks that Gin files set; their other fields follow from tokens.
_SIZES = {
    Transformer: (
        'num_layers',
        'embed_dim',
        'num_heads',
        'head_dim',
        'mlp_dim',
        'dropout_rate',
        'num_buckets',
        'max_distance',
        'bidirectional_bias',
    ),
    SoundStorm: (
        'num_layers',
        'embed_dim',
        'num_heads',
        'mlp_dim',
        'conv_kernel',
        'dropout_rate',
    ),
}
# What the Gin files call them.
_NAMES = {
    Transformer: 'transformer.Transformer',
    SoundStorm: 'soundstorm.SoundStorm',
}
# The average of the last tenth of the steps or so is taken.
_AVERAGED = 10


class Settings(NamedTuple):
  """Choices of a run that learns on.

  Attributes:
    model: The bundle that is started from, by its folder or its name.
    tokens: Folder of the token store.
    model_dir: Folder of the run.
    num_steps: Steps to take.
    batch_size: Crops a step.
    learning_rate: The highest one.
  """

  model: str
  tokens: str
  model_dir: str
  num_steps: int
  batch_size: int
  learning_rate: float


def arguments(
    name: str, config: Mapping[str, Any], settings: Settings
) -> list[str]:
  """Arguments for the part of this name and of this configuration."""
  macros = {
      'INITIAL_MODEL': settings.model,
      'INITIAL_PART': name,
      'TOKENS': settings.tokens,
      'MODEL_DIR': settings.model_dir,
      'CROP_SECONDS': config['crop_seconds'],
      'TRAIN_STEPS': settings.num_steps,
      'BATCH_SIZE': settings.batch_size,
      'LEARNING_RATE': settings.learning_rate,
  }
  bindings = dict(_bindings(name, config, settings.num_steps))
  files = (name, 'small', 'bundle', 'finetune')
  return [
      *(f'--gin_file=gin/{file}.gin' for file in files),
      *(
          f'--gin.{key}={_literal(value)}'
          for key, value in (macros | bindings).items()
      ),
  ]


def _literal(value: Any) -> str:
  """A value as Gin reads it; strings in double quotes look well in a shell."""
  return json.dumps(value) if isinstance(value, str) else repr(value)


def _bindings(
    name: str, config: Mapping[str, Any], num_steps: int
) -> Iterator[tuple[str, Any]]:
  network = parts.build(config)
  kind = type(network)
  for size in _SIZES[kind]:
    yield f'{_NAMES[kind]}.{size}', getattr(network, size)
  if name == 'soundstorm':
    decay = max(0.0, 1 - _AVERAGED / num_steps)
    yield 'soundstorm_train_step.SoundStormTrainStep.ema_decay', decay
    yield 'NUM_LEVELS', config['stage']['target']['levels'][1]
  else:
    yield from _stage_bindings(name, config['stage'])
  yield 'optimizers.cosine.warmup_steps', num_steps // 10
  every = max(1, num_steps // 10)
  yield 'loop.train.eval_every', every
  yield 'loop.train.save_every', every
  yield 'loop.train.log_every', every
  yield 'loop.train.keep', 1
  yield 'loop.train.keep_best', 1


def _stage_bindings(
    name: str, stage: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
  """Gin bindings of a stage's function, beside the sizes of the tokens."""
  yield f'stages.{name}.positions', stage['positions']
  semantic = [*stage['prefix'], stage['target']][0]
  if name in ('semantic', 'coarse'):
    yield f'stages.{name}.deduplicate', semantic['deduplicate']
  if name != 'semantic':
    first = stage['prefix'][0] if name == 'fine' else stage['target']
    yield f'stages.{name}.num_coarse', first['levels'][1]
