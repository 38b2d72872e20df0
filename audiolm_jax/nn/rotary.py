"""Attention whose queries and keys are turned by their positions."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int

from audiolm_jax.nn import attention, dot_product


def rotate(
    x: Float[Array, 'B H T E'],
    positions: Int[Array, ' T'],
    max_wavelength: float = 10000.0,
) -> Float[Array, 'B H T E']:
  """Turns pairs of channels by angles that grow with the position.

  RoFormer (arXiv 2104.09864 s. 3.2): the product of two vectors so turned
  depends on how far apart they are alone. Channel i is paired with i + E / 2.
  """
  half = x.shape[-1] // 2
  rates = max_wavelength ** -(jnp.arange(half) / half)
  angles = positions[:, None] * rates[None]
  cos, sin = (f(angles)[None, None] for f in (jnp.cos, jnp.sin))
  first, second = jnp.split(x.astype(jnp.float32), 2, axis=-1)
  turned = first * cos - second * sin, second * cos + first * sin
  return jnp.concatenate(turned, axis=-1).astype(x.dtype)


class RotaryAttention(attention.MultiHeadAttention):
  """Multi-head attention in both directions; parameters as with a bias.

  Each head has an even width.
  """

  @nn.compact
  def __call__(
      self,
      x: Float[Array, 'B T D'],
      mask: Bool[Array, 'B T T'],
      deterministic: bool = True,
  ) -> Float[Array, 'B T D']:
    """Attends where the mask is True, which it must be somewhere."""
    q, k, v = (self._heads(x, name) for name in ('query', 'key', 'value'))
    positions = jnp.arange(x.shape[1])
    q, k = (rotate(y, positions) for y in (q, k))
    # A dropped weight of a key is the same as a dropped value.
    dropout = nn.Dropout(self.dropout_rate, broadcast_dims=(-1,))
    v = dropout(v, deterministic=deterministic)
    # The compiler leaves a constant zero out.
    no_bias = jnp.zeros((1, self.num_heads, *mask.shape[1:]), jnp.float32)
    y = dot_product.attend(q, k, v, no_bias, mask)
    y = jnp.moveaxis(y, 1, 2).reshape(*x.shape[:-1], -1)
    out = attention.Dense(
        x.shape[-1], ('joined_kv', 'embed'), self.dtype, name='out'
    )
    return out(y)
