"""Parts of a bundle: weights, and the configuration that rebuilds a module."""

import dataclasses
import hashlib
import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
import safetensors
import safetensors.numpy
from flax import linen as nn
from flax import traverse_util
from jaxtyping import PyTree

from audiolm_jax.bundle import configs, stored
from audiolm_jax.classifier.model import Classifier
from audiolm_jax.errors import UserError
from audiolm_jax.lm.transformer import Transformer
from audiolm_jax.semantic_vq.model import BELOW_CODES, SemanticVq
from audiolm_jax.soundstorm.model import SoundStorm
from audiolm_jax.soundstream import networks
from audiolm_jax.training.checkpoints.loading import Model
from audiolm_jax.w2v_bert.model import W2vBert

_MODULES = {
    **networks.KINDS,
    'w2v_bert': W2vBert,
    'semantic_vq': SemanticVq,
    'language_model': Transformer,
    'soundstorm': SoundStorm,
    'classifier': Classifier,
}
# Keys of a configuration beside the fields of its module.
_NOT_FIELDS = {
    'kind',
    'stage',
    'tokenizers',
    'crop_seconds',
    'layer',
    'temperature',
}

# Fields of modules that describe no model: Flax's own, and what computes it.
_NOT_SIZES = {'parent', 'name', 'dtype'}

_NOT_PARTS = {
    'w2v_bert': (
        'A w2v_bert makes no tokens yet; run audiolm cluster on it and bundle'
        ' what that writes.'
    ),
    'language_model': (
        'A language model does not know its stage; train it with'
        ' LanguageModelTrainStep.stage_config.'
    ),
    'soundstorm': (
        'A soundstorm does not know its tokens; train it with'
        ' SoundStormTrainStep.stage_config.'
    ),
}


class Part(NamedTuple):
  """Nested dicts: JSON, and numpy or JAX arrays."""

  config: dict[str, Any]
  arrays: PyTree


def build(config: Mapping[str, Any]) -> nn.Module:
  """The module that a configuration describes.

  Raises:
    UserError: The configuration is of another version of this package, or makes
      no sense.
  """
  module = _module(config['kind'])
  fields = {
      name: tuple(value) if isinstance(value, list) else value
      for name, value in config.items()
      if name not in _NOT_FIELDS
  }
  known = module and {field.name for field in dataclasses.fields(module)}
  known = known and known - _NOT_SIZES
  if not module or fields.keys() - known:
    raise UserError(
        f'This version cannot build a {config["kind"]!r} with'
        f' {sorted(fields)}; update audiolm_jax.'
    )
  configs.check(module, fields, f'The configuration of a {config["kind"]}')
  return module(**fields)


def _module(kind: str) -> type[nn.Module] | None:
  if kind in _MODULES:
    return _MODULES[kind]
  # Late: our own bundles need not wait for all public models.
  from audiolm_jax.pretrained import modules

  return modules.MODULES.get(kind)


def from_checkpoint(model: Model) -> tuple[str, Part]:
  """Name and part of a trained model, without what only training needs."""
  config, params = model.config, model.params
  configs.check_beside(config, 'The configuration of the run')
  if config['kind'] in networks.KINDS:
    vectors = model.mutables['codebooks']['vectors']
    params = model.mutables.get('ema', params)['generator']
    arrays = {'params': params, 'codebooks': vectors}
    return 'acoustic_tokenizer', Part(config, arrays)
  if config['kind'] == 'semantic_vq':
    # What speaks from the codes is there to make them worth speaking from.
    below = {name: params[name] for name in BELOW_CODES}
    vectors = model.mutables['codebooks']['vectors']
    arrays = {'params': below, 'codebooks': vectors}
    return 'semantic_tokenizer', Part(config, arrays)
  if config['kind'] in ('language_model', 'soundstorm') and config['stage']:
    params = model.mutables.get('ema', params)
    return config['stage']['name'], Part(config, {'params': params})
  if config['kind'] == 'classifier':
    statistics = model.mutables['batch_stats']
    arrays = {'params': params, 'batch_stats': statistics}
    return 'classifier', Part(config, arrays)
  raise UserError(_NOT_PARTS.get(config['kind'], f'Cannot bundle {config}.'))


def variables(part: Part) -> dict[str, PyTree]:
  """The weights as training holds them; what a bundle lacks is left out."""
  params = part.arrays['params']
  if part.config['kind'] == 'classifier':
    statistics = {'batch_stats': part.arrays['batch_stats']}
    return {'params': params, 'mutables': statistics}
  if part.config['kind'] not in networks.KINDS:
    return {'params': params}
  vectors = part.arrays['codebooks']
  books = {
      'vectors': vectors,
      # As if every code had been used alike.
      'sums': vectors,
      'usage': np.ones(vectors.shape[:2], np.float32),
      'initialized': np.array(True),
  }
  return {'params': {'generator': params}, 'mutables': {'codebooks': books}}


def write(path: pathlib.Path, part: Part, dtype: str) -> str:
  """Writes the arrays as a stored.DTYPES and returns their digest."""
  try:
    arrays = stored.shrink(flat(part.arrays), dtype)
  except ValueError as error:
    raise UserError(
        f'{error} is too large for {path} to be {dtype}; save the part in'
        ' float32.'
    ) from error
  data = safetensors.numpy.save(arrays)
  path.write_bytes(data)
  return hashlib.sha256(data).hexdigest()


def stored_dtype(path: pathlib.Path) -> str:
  """Returns which of stored.DTYPES the arrays of a file have; reads its head.

  Raises:
    UserError: The file is missing, or no safetensors.
  """
  try:
    with safetensors.safe_open(path, 'numpy') as opened:
      names = list(opened.keys())
      types = {opened.get_slice(name).get_dtype() for name in names}
  except (OSError, safetensors.SafetensorError) as error:
    raise UserError(
        f'{path} cannot be read ({error}); copy the bundle again.'
    ) from error
  return stored.dtype_of(names, types)


def read(path: pathlib.Path, digest: str) -> PyTree:
  """Reads arrays, as float32 however they are stored; checks the digest.

  Raises:
    UserError: The file is missing or damaged, or holds something else.
  """
  try:
    data = path.read_bytes()
  except OSError as error:
    raise UserError(
        f'{path} is a part of the bundle and cannot be read'
        f' ({error.strerror}); copy the bundle again.'
    ) from error
  found = hashlib.sha256(data).hexdigest()
  if found != digest:
    raise UserError(
        f'{path} is damaged: its digest is {found[:12]}, bundle.json says'
        f' {digest[:12]}; copy the bundle again.'
    )
  try:
    return stored.load(data)
  except ValueError as error:
    raise UserError(
        f'{path} holds no weights that can be read: {error}; get the bundle'
        ' from where it was made.'
    ) from error


def flat(arrays: PyTree) -> dict[str, np.ndarray]:
  """Arrays by path, sorted, contiguous and in host memory."""
  leaves = traverse_util.flatten_dict(jax.device_get(arrays), sep='/')
  return {name: np.ascontiguousarray(leaves[name]) for name in sorted(leaves)}
