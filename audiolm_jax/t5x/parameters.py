"""Names of the parameters of t5x's decoder-only network and of ours.

The networks are the same but for one thing: t5x does not divide scores by the
root of a head's width, its initializer makes the kernels of queries smaller by
it instead. They change by that factor on their way here and back.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from flax import traverse_util
from jaxtyping import Float, PyTree

from audiolm_jax.errors import UserError
from audiolm_jax.lm.transformer import Transformer

_MEND = (
    'train with gin/t5x.gin, whose network is that of audiolm_jax, or copy the'
    ' checkpoint again.'
)

Arrays = dict[str, Float[np.ndarray, '...']]


class Tensor(NamedTuple):
  """A parameter.

  Attributes:
    theirs: Its name in t5x.
    ours: Its name here.
    axes: A letter for each axis: V vocabulary, D width, J all heads' width, F
      hidden width, H heads, R buckets of distance.
  """

  theirs: str
  ours: str
  axes: str


_OUTSIDE = (
    Tensor('token_embedder/embedding', 'embedding', 'VD'),
    Tensor('relpos_bias/rel_embedding', 'position_bias/embedding', 'HR'),
    Tensor('decoder_norm/scale', 'norm/scale', 'D'),
)
_IN_LAYER = (
    Tensor('pre_self_attention_layer_norm/scale', 'attention_norm/scale', 'D'),
    Tensor('self_attention/query/kernel', 'attention/query/kernel', 'DJ'),
    Tensor('self_attention/key/kernel', 'attention/key/kernel', 'DJ'),
    Tensor('self_attention/value/kernel', 'attention/value/kernel', 'DJ'),
    Tensor('self_attention/out/kernel', 'attention/out/kernel', 'JD'),
    Tensor('pre_mlp_layer_norm/scale', 'mlp_norm/scale', 'D'),
    Tensor('mlp/wi_0/kernel', 'mlp/wi_0/kernel', 'DF'),
    Tensor('mlp/wi_1/kernel', 'mlp/wi_1/kernel', 'DF'),
    Tensor('mlp/wo/kernel', 'mlp/wo/kernel', 'FD'),
)
_QUERIES = '/query/kernel'
# What tells the sizes; t5x's network has always 32 buckets, up to 128 places.
_TELLING = ('VD', 'HR', 'DJ', 'DF')
_NUM_BUCKETS, _MAX_DISTANCE = 32, 128


def tensors(num_layers: int) -> list[Tensor]:
  """All parameters of a network of so many layers."""
  found = [t._replace(theirs=f'decoder/{t.theirs}') for t in _OUTSIDE]
  for index in range(num_layers):
    layer = f'layers_{index}/'
    found += [
        Tensor(f'decoder/{layer}{t.theirs}', f'{layer}{t.ours}', t.axes)
        for t in _IN_LAYER
    ]
  return found


def from_t5x(target: PyTree, where: str) -> tuple[Transformer, PyTree]:
  """The network of a checkpoint and its parameters, in our names.

  Args:
    target: t5x's parameters, nested by name.
    where: Names the checkpoint in messages.

  Raises:
    UserError: A tensor is missing, unknown or of another shape.
  """
  arrays = traverse_util.flatten_dict(target, sep='/')
  num_layers = _num_layers(arrays)
  wanted = tensors(num_layers)
  numbers = _numbers(arrays, wanted, where)
  _check_names(arrays, wanted, numbers, where)
  head_dim = numbers['J'] // numbers['H']
  model = Transformer(
      vocab_size=numbers['V'],
      num_layers=num_layers,
      embed_dim=numbers['D'],
      num_heads=numbers['H'],
      head_dim=head_dim,
      mlp_dim=numbers['F'],
      num_buckets=_NUM_BUCKETS,
      max_distance=_MAX_DISTANCE,
      # In a decoder, t5x gives all buckets to the past.
      bidirectional_bias=False,
  )
  ours = {t.ours: arrays[t.theirs] for t in wanted}
  return model, _nested(_scaled(ours, head_dim**0.5))


def to_t5x(model: Transformer, params: PyTree) -> PyTree:
  """Our parameters in t5x's names: `target` of its checkpoints.

  Raises:
    UserError: t5x has no network like the model.
  """
  buckets = model.num_buckets, model.max_distance
  if model.bidirectional_bias or buckets != (_NUM_BUCKETS, _MAX_DISTANCE):
    raise UserError(
        "t5x's network has a position bias of the past alone, of"
        f' {_NUM_BUCKETS} buckets up to {_MAX_DISTANCE} places; train with'
        ' Transformer.bidirectional_bias = False and these.'
    )
  arrays = traverse_util.flatten_dict(params, sep='/')
  arrays = {name: np.asarray(array) for name, array in arrays.items()}
  theirs = {t.theirs: arrays[t.ours] for t in tensors(model.num_layers)}
  return _nested(_scaled(theirs, model.head_dim**-0.5))


def _num_layers(arrays: Arrays) -> int:
  names = (name.split('/') for name in arrays)
  return len({n[1] for n in names if n[1:] and n[1].startswith('layers_')})


def _numbers(
    arrays: Arrays, wanted: list[Tensor], where: str
) -> dict[str, int]:
  """Sizes by the letters of axes, as the first tensors that have them say."""
  numbers = {}
  for axes in _TELLING:
    found = [t.theirs for t in wanted if t.axes == axes] or ['decoder/layers_0']
    shape = arrays[found[0]].shape if found[0] in arrays else ()
    if len(shape) != len(axes):
      raise _misfit(where, found[0], shape or None, f'{len(axes)} axes')
    # The first to tell a size wins; _check_names holds it against the rest.
    numbers = dict(zip(axes, shape, strict=True)) | numbers
  numbers['R'] = _NUM_BUCKETS
  if not numbers['H'] or numbers['J'] % numbers['H']:
    raise UserError(
        f'{where}: {numbers["H"]} heads cannot share {numbers["J"]} columns of'
        f' decoder/layers_0/self_attention/query/kernel; {_MEND}'
    )
  return numbers


def _check_names(
    arrays: Arrays,
    wanted: list[Tensor],
    numbers: Mapping[str, int],
    where: str,
) -> None:
  shapes = {t.theirs: tuple(numbers[a] for a in t.axes) for t in wanted}
  for name in sorted(arrays.keys() | shapes.keys()):
    found = arrays[name].shape if name in arrays else None
    if found != shapes.get(name):
      raise _misfit(where, name, found, shapes.get(name, 'absent'))


def _misfit(
    where: str,
    name: str,
    found: tuple[int, ...] | None,
    must: tuple[int, ...] | str,
) -> UserError:
  is_there = 'not there' if found is None else f'of shape {found}'
  return UserError(f'{where}: {name} is {is_there}, must be {must}; {_MEND}')


def _scaled(arrays: Arrays, factor: float) -> Arrays:
  return {
      name: array * np.float32(factor) if name.endswith(_QUERIES) else array
      for name, array in arrays.items()
  }


def _nested(arrays: Arrays) -> PyTree:
  return traverse_util.unflatten_dict(arrays, sep='/')
