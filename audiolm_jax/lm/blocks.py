"""A Transformer's block: attention and a gated MLP, each behind RMSNorm."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float

from audiolm_jax.nn.attention import Dense, MultiHeadAttention

Biases = Sequence[Float[Array, 'G H _ _']]


class RMSNorm(nn.Module):
  """Divides each vector by its root mean square, in float32."""

  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: Float[Array, 'B L D']) -> Float[Array, 'B L D']:
    init = nn.with_logical_partitioning(nn.initializers.ones, ('embed',))
    scale = self.param('scale', init, x.shape[-1:])
    return rms_norm(x, scale, self.dtype)


def rms_norm(
    x: Float[Array, '*B D'], scale: Float[Array, ' D'], dtype: Any
) -> Float[Array, '*B D']:
  """Computes RMSNorm."""
  x = x.astype(jnp.float32)
  x = x * jax.lax.rsqrt(jnp.square(x).mean(axis=-1, keepdims=True) + 1e-6)
  return (x * jnp.expand_dims(scale, range(x.ndim - 1))).astype(dtype)


class Mlp(nn.Module):
  """Gated GELU."""

  mlp_dim: int
  dropout_rate: float
  dtype: Any

  @nn.compact
  def __call__(
      self, x: Float[Array, 'B L D'], deterministic: bool
  ) -> Float[Array, 'B L D']:
    axes = ('embed', 'mlp')
    gate = Dense(self.mlp_dim, axes, self.dtype, name='wi_0')(x)
    h = Dense(self.mlp_dim, axes, self.dtype, name='wi_1')(x) * nn.gelu(gate)
    h = dropout(self.dropout_rate)(h, deterministic)
    return Dense(x.shape[-1], axes[::-1], self.dtype, name='wo')(h)


class Block(nn.Module):
  """Attention and MLP, each behind a norm and beside a skip connection."""

  num_heads: int
  head_dim: int
  mlp_dim: int
  dropout_rate: float
  dtype: Any

  def setup(self):
    self.attention_norm = RMSNorm(self.dtype)
    self.attention = MultiHeadAttention(
        self.num_heads, self.head_dim, self.dropout_rate, self.dtype
    )
    self.mlp_norm = RMSNorm(self.dtype)
    self.mlp = Mlp(self.mlp_dim, self.dropout_rate, self.dtype)
    self.dropout = dropout(self.dropout_rate)

  def __call__(
      self,
      x: Float[Array, 'B L D'],
      biases: Biases,
      mask: Bool[Array, 'B L L'],
      deterministic: bool = True,
  ) -> Float[Array, 'B L D']:
    """One bias for each block of queries."""
    h = self.attention(self.attention_norm(x), biases, mask, deterministic)
    x = x + self.dropout(h, deterministic)
    h = self.mlp(self.mlp_norm(x), deterministic)
    x = x + self.dropout(h, deterministic)
    return nn.with_logical_constraint(x, ('batch', 'length', 'embed'))


def dropout(rate: float) -> nn.Dropout:
  """Dropout of whole features, for all places at once, as in T5X."""
  return nn.Dropout(rate, broadcast_dims=(-2,))
