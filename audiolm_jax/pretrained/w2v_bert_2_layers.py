"""w2v-BERT 2.0's Conformer blocks, whose frames do not see padding."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Bool, Float

from audiolm_jax.pretrained.activations import ACTIVATIONS
from audiolm_jax.pretrained.wav2vec2_blocks import FeedForward, layer_norm


class Attention(nn.Module):
  """Self-attention where a key's distance is part of the key.

  Attributes:
    num_heads: Heads.
    relative_keys: Whether distances count at all.
    max_left: Frames back from which on distances are alike.
    max_right: The same ahead.
  """

  num_heads: int
  relative_keys: bool
  max_left: int
  max_right: int

  @nn.compact
  def __call__(
      self, x: Float[Array, 'B T D'], valid: Bool[Array, 'B T']
  ) -> Float[Array, 'B T D']:
    names = ('linear_q', 'linear_k', 'linear_v')
    q, k, v = (self._heads(x, name) for name in names)
    # Before distances are scored, as those scores are divided, too.
    q = q / q.shape[-1] ** 0.5
    scores = jnp.einsum('bhte,bhse->bhts', q, k)
    if self.relative_keys:
      scores = scores + self._by_distance(q)
    # There is always a valid frame (fbank.num_whole), and so no row of -inf
    # alone, whose softmax would be NaN.
    scores = jnp.where(valid[:, None, None], scores, -jnp.inf)
    y = jnp.einsum('bhts,bhse->bthe', jax.nn.softmax(scores), v)
    return nn.Dense(x.shape[-1], name='linear_out')(y.reshape(x.shape))

  def _heads(
      self, x: Float[Array, 'B T D'], name: str
  ) -> Float[Array, 'B H T E']:
    y = nn.Dense(x.shape[-1], name=name)(x)
    return jnp.moveaxis(y.reshape(*x.shape[:2], self.num_heads, -1), 2, 1)

  def _by_distance(self, q: Float[Array, 'B H T E']) -> Float[Array, 'B H T T']:
    """Products of a query with the vector of each distance."""
    count = self.max_left + 1 + self.max_right
    table = nn.Embed(count, q.shape[-1], name='distance_embedding').embedding
    places = np.arange(q.shape[2])
    distance = places[None] - places[:, None]
    distance = np.clip(distance, -self.max_left, self.max_right)
    # Distances are few, so that each is multiplied once and then looked up.
    scores = jnp.einsum('bhte,re->bhtr', q, table)
    indices = distance[None, None] + self.max_left
    return jnp.take_along_axis(scores, indices, axis=-1)


class CausalDepthwise(nn.Module):
  """Each channel with its own taps over this frame and those before.

  A sum of shifted copies, as in `audiolm_jax.nn.conformer`.
  """

  kernel_size: int

  @nn.compact
  def __call__(self, x: Float[Array, 'B T D']) -> Float[Array, 'B T D']:
    shape = (self.kernel_size, x.shape[-1])
    kernel = self.param('kernel', nn.initializers.lecun_normal(), shape)
    padded = jnp.pad(x, ((0, 0), (self.kernel_size - 1, 0), (0, 0)))
    return sum(
        padded[:, tap : tap + x.shape[1]] * kernel[tap][None, None]
        for tap in range(self.kernel_size)
    )


class ConvModule(nn.Module):
  """Gated pointwise layer, causal convolution, pointwise layer.

  Being causal, it never hears the padding, which comes after a clip.
  """

  kernel_size: int
  activation: str
  epsilon: float

  @nn.compact
  def __call__(self, x: Float[Array, 'B T D']) -> Float[Array, 'B T D']:
    width = x.shape[-1]
    h = layer_norm(self.epsilon, 'layer_norm')(x)
    h = nn.Dense(2 * width, use_bias=False, name='pointwise_conv1')(h)
    h = CausalDepthwise(self.kernel_size, name='depthwise_conv')(nn.glu(h))
    h = layer_norm(self.epsilon, 'depthwise_layer_norm')(h)
    h = ACTIVATIONS[self.activation](h)
    return nn.Dense(width, use_bias=False, name='pointwise_conv2')(h)


class Block(nn.Module):
  """Half a feed-forward, attention, convolution, half a feed-forward, norm.

  Attributes:
    num_heads: Attention heads.
    mlp_dim: Hidden width of the feed-forwards.
    activation: Activation of feed-forwards and convolution.
    relative_keys: Whether distances count in attention.
    max_left: Frames back from which on distances are alike.
    max_right: The same ahead.
    conv_kernel: Taps of the convolution.
    epsilon: Epsilon of the norms.
  """

  num_heads: int
  mlp_dim: int
  activation: str
  relative_keys: bool
  max_left: int
  max_right: int
  conv_kernel: int
  epsilon: float

  def setup(self):
    self.ffn1_layer_norm = layer_norm(self.epsilon)
    self.ffn1 = FeedForward(self.mlp_dim, self.activation)
    self.self_attn_layer_norm = layer_norm(self.epsilon)
    self.self_attn = Attention(
        self.num_heads, self.relative_keys, self.max_left, self.max_right
    )
    self.conv_module = ConvModule(
        self.conv_kernel, self.activation, self.epsilon
    )
    self.ffn2_layer_norm = layer_norm(self.epsilon)
    self.ffn2 = FeedForward(self.mlp_dim, self.activation)
    self.final_layer_norm = layer_norm(self.epsilon)

  def __call__(
      self, x: Float[Array, 'B T D'], valid: Bool[Array, 'B T']
  ) -> Float[Array, 'B T D']:
    x = x + 0.5 * self.ffn1(self.ffn1_layer_norm(x))
    x = x + self.self_attn(self.self_attn_layer_norm(x), valid)
    x = x + self.conv_module(x)
    x = x + 0.5 * self.ffn2(self.ffn2_layer_norm(x))
    return self.final_layer_norm(x)


class Encoder(nn.Module):
  """The stack of blocks; attributes as those of a block."""

  num_layers: int
  num_heads: int
  mlp_dim: int
  activation: str
  relative_keys: bool
  max_left: int
  max_right: int
  conv_kernel: int
  epsilon: float

  def setup(self):
    self.layers = [
        Block(
            self.num_heads,
            self.mlp_dim,
            self.activation,
            self.relative_keys,
            self.max_left,
            self.max_right,
            self.conv_kernel,
            self.epsilon,
        )
        for _ in range(self.num_layers)
    ]

  def __call__(
      self, x: Float[Array, 'B T D'], valid: Bool[Array, 'B T'], layer: int
  ) -> Float[Array, 'B T D']:
    """Input of block `layer`, counted from 0; num_layers: the last output."""
    for block in self.layers[:layer]:
      x = block(x, valid)
    return x
