"""The Transformer as sampling needs it: packed weights, a cache, a step.

The same network as `Transformer`, which trains. A step is as fast as memory is
read, so weights that read the same input are one matrix, only the logits that
may be needed are computed, and the cache is laid out as attention reads it
(kv_cache). The matrices of blocks may be kept in fewer bytes (matrices).
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int, PyTree

from audiolm_jax import executables
from audiolm_jax.lm.blocks import rms_norm
from audiolm_jax.lm.sampling.kv_cache import Cache, attend, filled, write
from audiolm_jax.lm.sampling.matrices import Matrix, keep, multiply
from audiolm_jax.lm.transformer import (
    Transformer,
    causal_mask,
    query_blocks,
)
from audiolm_jax.nn.attention import attend_in_blocks, relative_position_bucket


class Layer(NamedTuple):
  """Weights of a block; J is the width of all heads together.

  Attributes:
    attention_norm: [D].
    qkv: [D, 3 J].
    out: [J, D].
    mlp_norm: [D].
    wi: [D, 2 F].
    wo: [F, D].
  """

  attention_norm: Float[Array, ' D']
  qkv: Matrix
  out: Matrix
  mlp_norm: Float[Array, ' D']
  wi: Matrix
  wo: Matrix


class Weights(NamedTuple):
  """Weights of the whole network.

  Attributes:
    embedding: Embedding of ids, in and out.
    bias: For each head and distance from -max_distance to max_distance.
    layers: Blocks.
    norm: Before the logits.
  """

  embedding: Float[Array, 'V D']
  bias: Float[Array, 'H R']
  layers: tuple[Layer, ...]
  norm: Float[Array, ' D']


@executables.jit(static_argnames=('model', 'kind'))
def pack(model: Transformer, params: PyTree, kind: str = 'full') -> Weights:
  """Takes a Transformer's parameters over.

  Args:
    model: The sizes, and the type that is computed in.
    params: Parameters of the model.
    kind: Type that the matrices of blocks are kept in (weight_types.TYPES).

  Raises:
    UserError: There is no such kind.
  """
  reach = jnp.arange(-model.max_distance, model.max_distance + 1)
  # All distances beyond the greatest share its bucket. So a table with one
  # column for each nearer distance says all, without logarithms in the loop.
  buckets = relative_position_bucket(
      reach[None],
      model.bidirectional_bias,
      model.num_buckets,
      model.max_distance,
  )
  table = jnp.asarray(params['position_bias']['embedding'])
  layers = [params[f'layers_{i}'] for i in range(model.num_layers)]
  return Weights(
      jnp.asarray(params['embedding'], model.dtype),
      table[:, buckets[0]],
      tuple(_pack_layer(layer, model.dtype, kind) for layer in layers),
      jnp.asarray(params['norm']['scale']),
  )


def _pack_layer(params: PyTree, dtype: Any, kind: str) -> Layer:
  def kernel(module: str, *names: str) -> Matrix:
    # In int8 each output has a scale of its own (matrices.Quantized), so that
    # joined kernels are rounded as each would be alone.
    kernels = [params[module][name]['kernel'] for name in names]
    return keep(jnp.concatenate(kernels, axis=1).astype(dtype), kind)

  return Layer(
      jnp.asarray(params['attention_norm']['scale']),
      kernel('attention', 'query', 'key', 'value'),
      kernel('attention', 'out'),
      jnp.asarray(params['mlp_norm']['scale']),
      kernel('mlp', 'wi_0', 'wi_1'),
      kernel('mlp', 'wo'),
  )


def distance_bias(
    weights: Weights,
    queries: Int[Array, 'G L'],
    keys: Int[Array, 'G S'],
) -> Float[Array, 'G H L S']:
  """The relative position bias, looked up by distance."""
  reach = weights.bias.shape[1] // 2
  distance = keys[:, None, :] - queries[:, :, None]
  places = jnp.clip(distance, -reach, reach) + reach
  return jnp.moveaxis(weights.bias[:, places], 0, 1)


def prefill(
    model: Transformer,
    weights: Weights,
    inputs: Int[Array, 'B L'],
    valid: Bool[Array, 'B L'],
    positions: Int[Array, 'G L'],
) -> list[Cache]:
  """Caches of the first inputs for each layer; S = L.

  Args:
    model: The sizes.
    weights: Weights of the model.
    inputs: Ids.
    valid: False where an input is padding.
    positions: Positions of the inputs, the same for all rows (G = 1) or of each
      (G = B).
  """
  # Rows are padded on the left. Padding sees itself alone (causal_mask): with
  # nothing to see its softmax would be NaN, and NaN in a value spreads even
  # with a weight of 0.
  x = weights.embedding[inputs]
  mask = causal_mask(valid.astype(jnp.int32))
  # Queries in blocks, each with the keys up to its end only: the scores of a
  # long prompt against all of it would be half wasted, and large.
  biases = [
      distance_bias(weights, positions[:, start:end], positions[:, :end])
      for start, end in query_blocks(inputs.shape[1], model.query_block)
  ]
  caches = []
  for layer in weights.layers:
    h = multiply(rms_norm(x, layer.attention_norm, model.dtype), layer.qkv)
    q, k, v = (_split_heads(part, model) for part in jnp.split(h, 3, axis=-1))
    # What comes out of the last layer goes nowhere: the first id is drawn by a
    # step, which only needs the caches. XLA leaves it out.
    y = jnp.moveaxis(attend_in_blocks(q, k, v, biases, mask), 1, 2)
    x = x + multiply(y.reshape(*x.shape[:-1], -1), layer.out)
    x = x + _mlp(layer, x, model)
    caches.append(filled(k, v))
  return caches


def step(
    model: Transformer,
    weights: Weights,
    token: Int[Array, ' B'],
    bias: Float[Array, 'B H S'],
    caches: list[Cache],
    index: Int[Array, ''],
) -> tuple[Float[Array, 'B D'], list[Cache]]:
  """The output behind the logits of the id after `token`, and new caches.

  Args:
    model: The sizes.
    weights: Weights of the model.
    token: One input of each row.
    bias: Bias of the token to all places, -inf where it must not look.
    caches: Caches of each layer.
    index: The token's place in them.
  """
  x = weights.embedding[token]
  # Rows and heads are one axis, as in the cache.
  bias = bias.reshape(-1, bias.shape[-1])
  new_caches = []
  for layer, cache in zip(weights.layers, caches, strict=True):
    h = multiply(rms_norm(x, layer.attention_norm, model.dtype), layer.qkv)
    q, k, v = (
        part.reshape(-1, model.head_dim) for part in jnp.split(h, 3, axis=-1)
    )
    cache = write(cache, k, v, index)
    y = attend(q, cache, bias).astype(x.dtype)
    x = x + multiply(y.reshape(len(x), -1), layer.out)
    x = x + _mlp(layer, x, model)
    new_caches.append(cache)
  return rms_norm(x, weights.norm, model.dtype), new_caches


def logits(
    x: Float[Array, 'B D'], embeddings: Float[Array, 'K D']
) -> Float[Array, 'B K']:
  """Logits of the ids whose embeddings are given."""
  # As t5x scales logits where the embeddings serve twice.
  x = x / x.shape[-1] ** 0.5
  return jnp.matmul(x, embeddings.T, preferred_element_type=jnp.float32)


def _mlp(
    layer: Layer, x: Float[Array, '*B D'], model: Transformer
) -> Float[Array, '*B D']:
  h = multiply(rms_norm(x, layer.mlp_norm, model.dtype), layer.wi)
  # T5 1.1's gated GELU (arXiv 2002.05202), both halves of one product.
  gate, h = jnp.split(h, 2, axis=-1)
  return multiply(nn.gelu(gate) * h, layer.wo)


def _split_heads(
    x: Float[Array, 'B L J'], model: Transformer
) -> Float[Array, 'B H L E']:
  x = x.reshape(*x.shape[:-1], model.num_heads, model.head_dim)
  return jnp.moveaxis(x, 2, 1)
