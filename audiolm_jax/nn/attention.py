"""T5's relative position bias, and multi-head attention with it."""

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int

from audiolm_jax.nn import cpu
from audiolm_jax.nn.dot_product import attend


def relative_position_bucket(
    relative_position: Int[Array, 'L S'],
    bidirectional: bool,
    num_buckets: int = 32,
    max_distance: int = 128,
) -> Int[Array, 'L S']:
  """Sorts distances into T5's buckets: exact when near, logarithmic when far.

  Args:
    relative_position: Position of the key minus that of the query.
    bidirectional: Whether the two directions get half of the buckets each;
      otherwise keys that lie ahead share the bucket of distance 0.
    num_buckets: Buckets in all.
    max_distance: From here on distances share a bucket.
  """
  first = 0
  if bidirectional:
    num_buckets //= 2
    first = jnp.where(relative_position > 0, num_buckets, 0)
    distance = jnp.abs(relative_position)
  else:
    distance = jnp.maximum(-relative_position, 0)
  num_exact = num_buckets // 2
  ratio = jnp.maximum(distance, 1).astype(jnp.float32) / num_exact
  octaves = jnp.log(ratio) / math.log(max_distance / num_exact)
  far = num_exact + (octaves * (num_buckets - num_exact)).astype(jnp.int32)
  far = jnp.minimum(far, num_buckets - 1)
  return first + jnp.where(distance < num_exact, distance, far)


class RelativePositionBias(nn.Module):
  """A learnt number per head and bucket of distance.

  There is one copy of it, G, for each shard of the batch on the mesh, so that
  each shard sums its gradient over positions before devices send it: the sum is
  of buckets, of which there are few, instead of pairs of positions.
  """

  num_heads: int
  num_buckets: int = 32
  max_distance: int = 128
  bidirectional: bool = True

  @nn.compact
  def __call__(
      self, query_positions: Int[Array, ' L'], key_positions: Int[Array, ' S']
  ) -> Float[Array, 'G H L S']:
    init = nn.initializers.variance_scaling(1.0, 'fan_avg', 'uniform')
    table = self.param(
        'embedding',
        nn.with_logical_partitioning(init, ('heads', 'relpos_buckets')),
        (self.num_heads, self.num_buckets),
    )
    buckets = relative_position_bucket(
        key_positions[None] - query_positions[:, None],
        self.bidirectional,
        self.num_buckets,
        self.max_distance,
    )
    copies = jnp.broadcast_to(table, (_num_batch_shards(), *table.shape))
    copies = nn.with_logical_constraint(copies, ('batch', 'heads', None))
    return copies[:, :, buckets]


def _num_batch_shards() -> int:
  """Shards of a batch on the mesh of the program; 1 without any."""
  mesh = dict(jax.sharding.get_abstract_mesh().shape)
  rules = dict(nn.get_logical_axis_rules())
  return mesh.get(rules.get('batch'), 1)


class Dense(nn.Module):
  """Linear map of the last axis without a bias, as in T5.

  Flax's own DenseGeneral cannot be partitioned by name under jax.set_mesh.

  Attributes:
    features: Width of the output.
    axes: Logical names of the kernel's two axes.
    dtype: Type of the computation; parameters are float32.
  """

  features: int
  axes: tuple[str, str]
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: Float[Array, '*B D']) -> Float[Array, '*B F']:
    init = nn.initializers.variance_scaling(1.0, 'fan_in', 'truncated_normal')
    kernel = self.param(
        'kernel',
        nn.with_logical_partitioning(init, self.axes),
        (x.shape[-1], self.features),
    )
    return cpu.dense(x.astype(self.dtype), kernel.astype(self.dtype))


class MultiHeadAttention(nn.Module):
  """Multi-head attention without biases, as in T5.

  Attributes:
    num_heads: Heads.
    head_dim: Width of a head.
    dropout_rate: Share of the keys that are dropped, for all queries at once
      as in T5X.
    dtype: Type of the computation; parameters are float32.
  """

  num_heads: int
  head_dim: int
  dropout_rate: float = 0.0
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(
      self,
      x: Float[Array, 'B L D'],
      bias: Float[Array, 'G H L L'] | Sequence[Float[Array, 'G H _ _']],
      mask: Bool[Array, 'B L L'],
      deterministic: bool = True,
  ) -> Float[Array, 'B L D']:
    """Attends from x to itself.

    Args:
      x: Queries, keys and values.
      bias: Added to the scores. Or one for each of several consecutive blocks
        of queries: a block sees no keys but those its bias spans, so that
        causal attention does half the work.
      mask: True where a query may look.
      deterministic: No dropout.
    """
    q, k, v = (self._heads(x, name) for name in ('query', 'key', 'value'))
    # A dropped weight of a key is the same as a dropped value.
    dropout = nn.Dropout(self.dropout_rate, broadcast_dims=(-1,))
    v = dropout(v, deterministic=deterministic)
    biases = bias if isinstance(bias, Sequence) else [bias]
    if len(x) % len(biases[0]):
      # Fewer rows than shards, as when a model is initialized.
      biases = [copies[:1] for copies in biases]
    y = attend_in_blocks(q, k, v, biases, mask)
    y = jnp.moveaxis(y, 1, 2).reshape(*x.shape[:-1], -1)
    return Dense(x.shape[-1], ('joined_kv', 'embed'), self.dtype, name='out')(y)

  def _heads(
      self, x: Float[Array, 'B L D'], name: str
  ) -> Float[Array, 'B H L E']:
    width = self.num_heads * self.head_dim
    y = Dense(width, ('embed', 'joined_kv'), self.dtype, name=name)(x)
    y = y.reshape(*x.shape[:-1], self.num_heads, self.head_dim)
    return jnp.moveaxis(y, 2, 1)


def attend_in_blocks(
    q: Float[Array, 'B H L E'],
    k: Float[Array, 'B H S E'],
    v: Float[Array, 'B H S E'],
    biases: Sequence[Float[Array, 'G H _ _']],
    mask: Bool[Array, 'B L S'],
) -> Float[Array, 'B H L E']:
  """`attend` for consecutive blocks of queries, with a bias each.

  A block sees no keys but the first ones that its bias spans.
  """
  blocks, start = [], 0
  for bias in biases:
    *_, num_queries, span = bias.shape
    rows, seen = slice(start, start + num_queries), slice(span)
    block = attend(
        q[:, :, rows], k[:, :, seen], v[:, :, seen], bias, mask[:, rows, seen]
    )
    blocks.append(block)
    start += num_queries
  return jnp.concatenate(blocks, axis=2)
