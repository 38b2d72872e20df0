"""Whether the arrays of a part are those that its module has."""

import dataclasses
import functools
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax import traverse_util
from jaxtyping import PyTree

from audiolm_jax.errors import UserError
from audiolm_jax.pretrained import families
from audiolm_jax.semantic_vq.model import BELOW_CODES
from audiolm_jax.training.state import unbox

_MEND = 'get the bundle from where it was made.'

Shapes = dict[str, tuple[int, ...]]
Variables = dict[str, PyTree]


def check(kind: str, module: nn.Module, arrays: PyTree, where: str) -> None:
  """Compares names and shapes with those that the module would make.

  Raises:
    UserError: One is missing, unknown or of another shape; it is named.
  """
  found = _shapes(arrays)
  _check_layers(module, len(found), where)
  try:
    wanted = dict(expected(kind, module))
  except (ValueError, TypeError, ArithmeticError) as error:
    said = str(error).partition('\n')[0][:200]
    raise UserError(
        f'{where} has a configuration that makes no model ({said}); {_MEND}'
    ) from error
  if 'kmeans' in arrays:
    # How many clusters there are no module says, nor how wide they are.
    shape = found.get('kmeans/centroids', ())
    wanted |= {'kmeans/mean': shape[1:], 'kmeans/std': shape[1:]}
    wanted |= {'kmeans/centroids': shape[:2]}
  for name in sorted(found.keys() | wanted.keys()):
    if found.get(name) != wanted.get(name):
      raise UserError(
          f'{where} does not fit its configuration: {name} is'
          f' {_said(found.get(name))} and must be {_said(wanted.get(name))};'
          f' {_MEND}'
      )


def _check_layers(module: nn.Module, num_arrays: int, where: str) -> None:
  """Refuses more layers than arrays; to lay out millions would take hours."""
  for field in dataclasses.fields(module):
    value = getattr(module, field.name)
    if field.name.endswith('layers') and value > num_arrays:
      raise UserError(
          f'{where} has {num_arrays} arrays, too few for {field.name}={value};'
          f' {_MEND}'
      )


@functools.cache
def expected(kind: str, module: nn.Module) -> Shapes:
  """Shapes of the arrays that a part of this kind holds, by name."""
  # Traced alone: a configuration may ask for more than there is memory.
  variables = jax.eval_shape(lambda: unbox(_VARIABLES[kind](module)))
  return _shapes(variables)


def _shapes(arrays: PyTree) -> Shapes:
  leaves = traverse_util.flatten_dict(arrays, sep='/')
  return {name: tuple(leaf.shape) for name, leaf in leaves.items()}


def _said(shape: tuple[int, ...] | None) -> str:
  return 'not there' if shape is None else f'of shape {shape}'


def _init(module: nn.Module, *inputs: jax.Array) -> Variables:
  return dict(module.init(jax.random.key(0), *inputs))


def _params(module: nn.Module, *inputs: jax.Array) -> Variables:
  return {'params': _init(module, *inputs)['params']}


def _frame(module: nn.Module) -> jax.Array:
  return jnp.zeros((1, module.hop_length))


def _codec(module: nn.Module) -> Variables:
  books = module.num_quantizers, module.codebook_size, module.embedding_dim
  return {**_params(module, _frame(module)), 'codebooks': jnp.zeros(books)}


def _public_codec(module: nn.Module) -> Variables:
  return _params(module, _frame(module))


def _semantic_vq(module: nn.Module) -> Variables:
  waveform = jnp.zeros((1, 2 * module.hop_length))
  params = _init(module, waveform, jnp.full(1, waveform.shape[1]))['params']
  return {
      'params': {name: params[name] for name in BELOW_CODES},
      'codebooks': jnp.zeros((1, module.codebook_size, module.code_dim)),
  }


def _w2v_bert(module: nn.Module) -> Variables:
  waveform = jnp.zeros((1, 4 * module.hop_length))
  masked = jnp.ones((1, 4), bool)
  streams = ('params', 'noise', 'quantizer', 'dropout')
  variables = module.init(
      dict(zip(streams, jax.random.split(jax.random.key(0), 4), strict=True)),
      waveform,
      jnp.full(1, waveform.shape[1]),
      masked,
      jnp.float32(1.0),
  )
  return {'params': variables['params']}


def _features(module: nn.Module) -> Variables:
  variables = module.init(
      jax.random.key(0),
      _frame(module),
      jnp.full(1, module.hop_length, jnp.int32),
      module.num_layers,
      method='features',
  )
  return {'params': variables['params']}


def _language_model(module: nn.Module) -> Variables:
  ids = jnp.zeros((1, 2), jnp.int32)
  return _params(module, ids, ids[0], ids)


def _soundstorm(module: nn.Module) -> Variables:
  frame = jnp.zeros((1, 1), jnp.int32)
  codes = jnp.zeros((1, 1, module.num_quantizers), jnp.int32)
  return _params(module, frame, codes, frame[0], frame[0])


def _classifier(module: nn.Module) -> Variables:
  return _init(module, jnp.zeros((1, module.sample_rate)))


_VARIABLES: Mapping[str, Callable[[nn.Module], Variables]] = {
    'soundstream': _codec,
    'spectral_soundstream': _codec,
    'w2v_bert': _w2v_bert,
    'semantic_vq': _semantic_vq,
    'language_model': _language_model,
    'soundstorm': _soundstorm,
    'classifier': _classifier,
    **{
        family.kind: _public_codec if family.is_codec else _features
        for family in families.FAMILIES.values()
    },
}
