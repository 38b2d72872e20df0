"""Mimi's transformers: causal, each frame sees a window of the past.

Submodules are named as in the published checkpoints.
"""

import dataclasses

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float

ACTIVATIONS = {
    'gelu': lambda x: nn.gelu(x, approximate=False),
    'relu': nn.relu,
    'silu': nn.silu,
}


@dataclasses.dataclass(frozen=True)
class Sizes:
  """Sizes of one transformer.

  Attributes:
    num_layers: Layers.
    num_heads: Heads of the queries.
    num_key_value_heads: Heads of the keys and values; divides `num_heads`.
    head_dim: Width of a head.
    hidden_width: Width inside of the feed-forward layers.
    window: Frames that a frame sees, itself included.
    rope_theta: Base of the rotations' periods.
    norm_eps: Added to variances.
    activation: One of ACTIVATIONS.
    attention_bias: Whether the attention's linear maps have biases.
  """

  num_layers: int
  num_heads: int
  num_key_value_heads: int
  head_dim: int
  hidden_width: int
  window: int
  rope_theta: float
  norm_eps: float
  activation: str
  attention_bias: bool


class Transformer(nn.Module):
  """Layers of attention and of feed-forward, none after the last."""

  sizes: Sizes

  @nn.compact
  def __call__(self, x: Float[Array, 'B T D']) -> Float[Array, 'B T D']:
    for layer in range(self.sizes.num_layers):
      x = Layer(self.sizes, name=f'layers_{layer}')(x)
    return x


class Layer(nn.Module):
  """Attention, then feed-forward; each normed before and scaled after."""

  sizes: Sizes

  @nn.compact
  def __call__(self, x: Float[Array, 'B T D']) -> Float[Array, 'B T D']:
    attention = Attention(self.sizes, name='self_attn')
    y = attention(self._norm('input_layernorm')(x))
    x = x + LayerScale(name='self_attn_layer_scale')(y)
    feed_forward = FeedForward(self.sizes, name='mlp')
    y = feed_forward(self._norm('post_attention_layernorm')(x))
    return x + LayerScale(name='mlp_layer_scale')(y)

  def _norm(self, name: str) -> nn.LayerNorm:
    # The fast variance is a difference of large numbers.
    return nn.LayerNorm(
        epsilon=self.sizes.norm_eps, use_fast_variance=False, name=name
    )


class LayerScale(nn.Module):
  """A learnt factor for each channel."""

  @nn.compact
  def __call__(self, x: Float[Array, 'B T D']) -> Float[Array, 'B T D']:
    scale = self.param('scale', nn.initializers.ones, (x.shape[-1],))
    return scale[None, None] * x


class FeedForward(nn.Module):
  """To a hidden width and back."""

  sizes: Sizes

  @nn.compact
  def __call__(self, x: Float[Array, 'B T D']) -> Float[Array, 'B T D']:
    hidden = nn.Dense(self.sizes.hidden_width, use_bias=False, name='fc1')(x)
    hidden = ACTIVATIONS[self.sizes.activation](hidden)
    return nn.Dense(x.shape[-1], use_bias=False, name='fc2')(hidden)


class Attention(nn.Module):
  """Attention to the window, with rotary positions."""

  sizes: Sizes

  @nn.compact
  def __call__(self, x: Float[Array, 'B T D']) -> Float[Array, 'B T D']:
    sizes = self.sizes
    q = rotate(self._heads(x, 'q_proj', sizes.num_heads), sizes.rope_theta)
    k = self._heads(x, 'k_proj', sizes.num_key_value_heads)
    k = rotate(k, sizes.rope_theta)
    v = self._heads(x, 'v_proj', sizes.num_key_value_heads)
    # Neighbouring heads of the queries share keys and values.
    shared = sizes.num_heads // sizes.num_key_value_heads
    k, v = jnp.repeat(k, shared, axis=2), jnp.repeat(v, shared, axis=2)
    y = attend_to_window(q, k, v, sizes.window)
    return nn.Dense(x.shape[-1], use_bias=sizes.attention_bias, name='o_proj')(
        y.reshape(*y.shape[:2], -1)
    )

  def _heads(
      self, x: Float[Array, 'B T D'], name: str, num_heads: int
  ) -> Float[Array, 'B T H E']:
    width = num_heads * self.sizes.head_dim
    dense = nn.Dense(width, use_bias=self.sizes.attention_bias, name=name)
    return dense(x).reshape(*x.shape[:2], num_heads, -1)


def rotate(x: Float[Array, 'B T H E'], theta: float) -> Float[Array, 'B T H E']:
  """Turns pairs of channels by angles that grow with time (RoPE).

  Channel e is paired with e + E / 2.
  """
  width = x.shape[-1]
  rates = theta ** -(jnp.arange(0, width, 2, dtype=jnp.float32) / width)
  angles = jnp.arange(x.shape[1], dtype=jnp.float32)[:, None] * rates[None]
  cos, sin = jnp.cos(angles)[None, :, None], jnp.sin(angles)[None, :, None]
  first, second = jnp.split(x, 2, axis=-1)
  turned = first * cos - second * sin, second * cos + first * sin
  return jnp.concatenate(turned, axis=-1)


def attend_to_window(
    q: Float[Array, 'B T H E'],
    k: Float[Array, 'B T H E'],
    v: Float[Array, 'B T H E'],
    window: int,
) -> Float[Array, 'B T H E']:
  """Each frame attends to itself and the `window` - 1 frames before.

  In blocks of `window` frames that see themselves and the block before: memory
  grows with T, not with its square.
  """
  num_frames = q.shape[1]
  # A clip shorter than the window would be padded to it for nothing.
  size = min(window, num_frames)
  blocks = (_blocks(x, size) for x in (q, k, v))
  q, k, v = blocks
  k, v = _with_block_before(k), _with_block_before(v)
  scores = jnp.einsum('bglhe,bgshe->bghls', q, k) / q.shape[-1] ** 0.5
  mask = _mask(q.shape[1], size, window)[None, :, None]
  # Every frame sees itself: no softmax is over -inf alone.
  weights = nn.softmax(jnp.where(mask, scores, -jnp.inf), axis=-1)
  y = jnp.einsum('bghls,bgshe->bglhe', weights, v)
  return y.reshape(len(y), -1, *y.shape[3:])[:, :num_frames]


def _blocks(x: Float[Array, 'B T H E'], size: int) -> Float[Array, 'B G L H E']:
  """G blocks of L frames, zeros at the end."""
  # Zeros that follow all frames, which see only the past.
  missing = -x.shape[1] % size
  x = jnp.pad(x, [(0, 0), (0, missing), (0, 0), (0, 0)])
  return x.reshape(len(x), -1, size, *x.shape[2:])


def _with_block_before(
    x: Float[Array, 'B G L H E'],
) -> Float[Array, 'B G S H E']:
  """S = 2 L frames: those of the block before, and a block's own."""
  before = jnp.pad(x[:, :-1], [(0, 0), (1, 0), (0, 0), (0, 0), (0, 0)])
  return jnp.concatenate([before, x], axis=2)


def _mask(num_blocks: int, size: int, window: int) -> Bool[Array, 'G L S']:
  """Returns where a query of a block may look."""
  queries = jnp.arange(size)[None, :, None]
  keys = jnp.arange(-size, size)[None, None]
  seen = (keys <= queries) & (keys > queries - window)
  # Nothing comes before the first block.
  return seen & ((keys >= 0) | (jnp.arange(num_blocks)[:, None, None] > 0))
