"""wav2vec 2.0's Transformer, whose frames do not see padding."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float

from audiolm_jax.nn import dot_product
from audiolm_jax.pretrained.activations import ACTIVATIONS


def layer_norm(epsilon: float, name: str | None = None) -> nn.LayerNorm:
  """Two passes over the numbers, as torch does: one would lose digits."""
  return nn.LayerNorm(epsilon, use_fast_variance=False, name=name)


class FeatureProjection(nn.Module):
  """From the width of the convolutions to the Transformer's."""

  features: int
  norm: bool
  epsilon: float

  @nn.compact
  def __call__(self, x: Float[Array, 'B T C']) -> Float[Array, 'B T D']:
    if self.norm:
      x = layer_norm(self.epsilon, 'layer_norm')(x)
    return nn.Dense(self.features, name='projection')(x)


class PositionalConv(nn.Module):
  """A wide convolution over frames, which tells them where they are."""

  kernel: int
  groups: int
  activation: str

  @nn.compact
  def __call__(self, x: Float[Array, 'B T D']) -> Float[Array, 'B T D']:
    # The published kernels are even. fairseq pads both sides alike and drops
    # the last frame, so that a frame sees one more before it than after it.
    left = self.kernel // 2
    x = nn.Conv(
        x.shape[-1],
        (self.kernel,),
        padding=[(left, self.kernel - 1 - left)],
        feature_group_count=self.groups,
        name='conv',
    )(x)
    return ACTIVATIONS[self.activation](x)


class Attention(nn.Module):
  """Multi-head self-attention with biases."""

  num_heads: int

  @nn.compact
  def __call__(
      self, x: Float[Array, 'B T D'], valid: Bool[Array, 'B T']
  ) -> Float[Array, 'B T D']:
    q, k, v = (self._heads(x, name) for name in ('q_proj', 'k_proj', 'v_proj'))
    num_frames = x.shape[1]
    # `attend` wants one; positions come from the convolution alone.
    bias = jnp.zeros((1, self.num_heads, num_frames, num_frames))
    mask = jnp.broadcast_to(valid[:, None], (len(x), num_frames, num_frames))
    y = dot_product.attend(q, k, v, bias, mask)
    y = jnp.moveaxis(y, 1, 2).reshape(x.shape)
    return nn.Dense(x.shape[-1], name='out_proj')(y)

  def _heads(
      self, x: Float[Array, 'B T D'], name: str
  ) -> Float[Array, 'B H T E']:
    y = nn.Dense(x.shape[-1], name=name)(x)
    return jnp.moveaxis(y.reshape(*x.shape[:2], self.num_heads, -1), 2, 1)


class FeedForward(nn.Module):
  """Wide layer, activation, narrow layer."""

  mlp_dim: int
  activation: str

  @nn.compact
  def __call__(self, x: Float[Array, 'B T D']) -> Float[Array, 'B T D']:
    h = nn.Dense(self.mlp_dim, name='intermediate_dense')(x)
    h = ACTIVATIONS[self.activation](h)
    return nn.Dense(x.shape[-1], name='output_dense')(h)


class Block(nn.Module):
  """Attention and a feed-forward, each with a norm before or after it.

  Attributes:
    num_heads: Attention heads.
    mlp_dim: Hidden width of the feed-forward.
    activation: Activation of the feed-forward.
    pre_norm: Whether the norms come before the branches.
    epsilon: Epsilon of the norms.
  """

  num_heads: int
  mlp_dim: int
  activation: str
  pre_norm: bool
  epsilon: float

  def setup(self):
    self.attention = Attention(self.num_heads)
    self.layer_norm = layer_norm(self.epsilon)
    self.feed_forward = FeedForward(self.mlp_dim, self.activation)
    self.final_layer_norm = layer_norm(self.epsilon)

  def __call__(
      self, x: Float[Array, 'B T D'], valid: Bool[Array, 'B T']
  ) -> Float[Array, 'B T D']:
    if self.pre_norm:
      x = x + self.attention(self.layer_norm(x), valid)
      return x + self.feed_forward(self.final_layer_norm(x))
    x = self.layer_norm(x + self.attention(x, valid))
    return self.final_layer_norm(x + self.feed_forward(x))


class Encoder(nn.Module):
  """The stack of blocks.

  Attributes:
    num_layers: Blocks.
    num_heads: Attention heads.
    mlp_dim: Hidden width of the feed-forwards.
    activation: Activation of the feed-forwards.
    pre_norm: Norms before each branch, as in the large models; otherwise after
      each and once at the start.
    epsilon: Epsilon of the norms.
    position_kernel: Frames that the positional convolution spans.
    position_groups: Number of groups of channels in it.
    position_activation: After it.
  """

  num_layers: int
  num_heads: int
  mlp_dim: int
  activation: str
  pre_norm: bool
  epsilon: float
  position_kernel: int
  position_groups: int
  position_activation: str

  def setup(self):
    self.pos_conv_embed = PositionalConv(
        self.position_kernel, self.position_groups, self.position_activation
    )
    if not self.pre_norm:
      self.layer_norm = layer_norm(self.epsilon)
    self.layers = [
        Block(
            self.num_heads,
            self.mlp_dim,
            self.activation,
            self.pre_norm,
            self.epsilon,
        )
        for _ in range(self.num_layers)
    ]

  def __call__(
      self, x: Float[Array, 'B T D'], valid: Bool[Array, 'B T'], layer: int
  ) -> Float[Array, 'B T D']:
    """Input of block `layer`, counted from 0; num_layers: the last output."""
    # The convolution over frames would carry padding into those before it.
    x = jnp.where(valid[..., None], x, 0)
    x = x + self.pos_conv_embed(x)
    if not self.pre_norm:
      x = self.layer_norm(x)
    for block in self.layers[:layer]:
      x = block(x, valid)
    return x
