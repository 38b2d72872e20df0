"""The frames that clustering reads: a model, a layer of it, and audio."""

import functools
import pathlib
from collections.abc import Iterator
from typing import NamedTuple

import jax
import numpy as np
from absl import flags
from flax import linen as nn
from jaxtyping import Array, Float, PyTree

from audiolm_jax import corpus, progress
from audiolm_jax.bundle import folder as bundle_folder
from audiolm_jax.bundle import parts
from audiolm_jax.errors import UserError
from audiolm_jax.training.checkpoints import loading


class Source(NamedTuple):
  """A model that turns audio into features, as `parts.Part` has it."""

  config: dict
  params: PyTree
  model: nn.Module


def load(folder: str) -> Source:
  """The model whose features are clustered.

  Raises:
    UserError: The folder holds no such model.
  """
  config, params = _read(folder)
  return Source(config, jax.device_put(params), parts.build(config))


def _read(folder: str) -> tuple[dict, PyTree]:
  if (pathlib.Path(folder) / 'model.json').is_file():
    trained = loading.load_params(folder)
    if trained.config['kind'] != 'w2v_bert':
      raise UserError(
          f'{folder} holds a {trained.config["kind"]}, not a w2v_bert.'
      )
    return trained.config, trained.params
  bundled = bundle_folder.read(folder)
  if 'semantic_tokenizer' not in bundled:
    raise UserError(f'{folder} has no part semantic_tokenizer.')
  part = bundled['semantic_tokenizer']
  return part.config, part.arrays['params']


def check_layer(source: Source, layer: int, flag: str) -> None:
  """Refuses a layer that the model does not have."""
  if not 0 <= layer <= source.model.num_layers:
    raise UserError(
        f'{flag}={layer}: the model has only {source.model.num_layers} blocks'
        ' to choose from.'
    )


@functools.partial(jax.jit, static_argnums=(0, 1))
def apply(
    model: nn.Module, layer: int, params: PyTree, waveform: Array, length: Array
) -> Float[Array, 'B T D']:
  """Features of one layer."""
  return model.apply(
      {'params': params}, waveform, length, layer, method='features'
  )


def draw(
    source: Source, layer: int, values: flags.FlagValues
) -> Iterator[Float[np.ndarray, 'n D']]:
  """Features of random crops, without those of padding.

  Args:
    source: The model.
    layer: Index of the layer, as --layer has it.
    values: The flags of feature_flags.
  """
  model = source.model
  clips = corpus.read_manifest(values.manifest, values.split)
  num_frames = max(round(values.crop_seconds * model.frame_rate), 1)
  batches = corpus.AudioBatches(
      clips,
      model.sample_rate,
      num_frames * model.hop_length / model.sample_rate,
      values.batch_size,
      values.seed,
  )
  seconds = min(values.hours * 3600, sum(clip.seconds for clip in clips))
  count = round(seconds / values.crop_seconds / values.batch_size)
  ends = np.arange(num_frames)[None] * model.hop_length
  for _ in progress.follow(range(max(count, 1)), 'Features'):
    batch = next(batches)
    waveform, length = batch['waveform'], batch['length']
    found = apply(model, layer, source.params, waveform, length)
    yield np.asarray(found)[ends < length[:, None]]
