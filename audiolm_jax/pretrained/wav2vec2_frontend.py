"""wav2vec 2.0's convolutions over samples, blind to padding."""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int

from audiolm_jax.errors import UserError
from audiolm_jax.pretrained.activations import ACTIVATIONS
from audiolm_jax.pretrained.frames import num_frames, valid


def lacking(kernels: Sequence[int], strides: Sequence[int]) -> int:
  """Samples that the last frame hears beyond its hop."""
  receptive, hop = 1, 1
  for kernel, stride in zip(kernels, strides, strict=True):
    receptive += (kernel - 1) * hop
    hop *= stride
  return max(receptive - hop, 0)


def check_sizes(*sizes: Sequence[int]) -> None:
  """Refuses convolutions whose channels, kernels and strides differ in number.

  Raises:
    UserError: They do, or there are none.
  """
  counts = {len(size) for size in sizes}
  if len(counts) > 1 or counts == {0}:
    raise UserError(
        'config.json has conv_dim, conv_kernel and conv_stride of different'
        ' lengths or empty; use the file as it was published.'
    )


def normalized(
    waveform: Float[Array, 'B N'], lengths: Int[Array, ' B']
) -> Float[Array, 'B N']:
  """Each clip at zero mean and unit variance, as its preprocessor does."""
  inside = valid(lengths, waveform.shape[1])
  count = jnp.maximum(lengths, 1)[:, None]
  centred = waveform - _sum(waveform, inside) / count
  variance = _sum(jnp.square(centred), inside) / count
  # The preprocessor's epsilon, inside of the root as there.
  return centred * jax.lax.rsqrt(variance + 1e-7)


def _sum(x: Float[Array, 'B N'], inside: Bool[Array, 'B N']):
  return jnp.where(inside, x, 0).sum(axis=1, keepdims=True)


class TimeNorm(nn.Module):
  """Each channel of a clip at zero mean and unit variance over time.

  Torch's GroupNorm of one channel a group, but that padding has no say.
  """

  @nn.compact
  def __call__(
      self, x: Float[Array, 'B T C'], valid: Bool[Array, 'B T']
  ) -> Float[Array, 'B T C']:
    width = x.shape[-1:]
    scale = self.param('scale', nn.initializers.ones, width)[None, None]
    bias = self.param('bias', nn.initializers.zeros, width)[None, None]
    inside = valid[..., None]
    count = inside.sum(axis=1, keepdims=True)
    mean = jnp.where(inside, x, 0).sum(axis=1, keepdims=True) / count
    squares = jnp.where(inside, jnp.square(x - mean), 0)
    variance = squares.sum(axis=1, keepdims=True) / count
    # Torch's default, which the published code leaves as it is: the epsilon in
    # config.json is that of the Transformer. So it is in ConvLayer.
    return (x - mean) * jax.lax.rsqrt(variance + 1e-5) * scale + bias


class ConvLayer(nn.Module):
  """A strided convolution, 'layer' or 'group' norm or none, activation."""

  features: int
  kernel: int
  stride: int
  use_bias: bool
  norm: str
  activation: str

  @nn.compact
  def __call__(
      self, x: Float[Array, 'B N C'], counts: Int[Array, ' B']
  ) -> Float[Array, 'B T D']:
    """Args: `counts` of the outputs that hear nothing but the clip."""
    x = nn.Conv(
        self.features,
        (self.kernel,),
        self.stride,
        'VALID',
        use_bias=self.use_bias,
        name='conv',
    )(x)
    if self.norm == 'layer':
      x = nn.LayerNorm(1e-5, use_fast_variance=False, name='layer_norm')(x)
    if self.norm == 'group':
      # Checkpoints call the group norm a layer norm as well.
      x = TimeNorm(name='layer_norm')(x, valid(counts, x.shape[1]))
    return ACTIVATIONS[self.activation](x)


class FeatureExtractor(nn.Module):
  """From samples to frames.

  Attributes:
    channels: Channels of each convolution.
    kernels: Taps of each convolution.
    strides: Strides of each convolution.
    use_bias: Whether the convolutions have one.
    norm: 'group' over time after the first, or 'layer' after each.
    activation: After each.
  """

  channels: Sequence[int]
  kernels: Sequence[int]
  strides: Sequence[int]
  use_bias: bool
  norm: str
  activation: str

  def setup(self):
    norms = [self.norm] * len(self.channels)
    if self.norm == 'group':
      norms[1:] = [''] * (len(norms) - 1)
    sizes = (self.channels, self.kernels, self.strides, norms)
    self.conv_layers = [
        ConvLayer(width, kernel, stride, self.use_bias, norm, self.activation)
        for width, kernel, stride, norm in zip(*sizes, strict=True)
    ]

  def __call__(
      self, waveform: Float[Array, 'B N'], lengths: Int[Array, ' B']
  ) -> Float[Array, 'B T C']:
    """Frame t begins with sample t hop; T = N / hop.

    Beyond its length a clip goes on with the zeros that its last frame lacks,
    however long the rest of the batch is.
    """
    more = lacking(self.kernels, self.strides)
    hop = math.prod(self.strides)
    waveform = jnp.where(valid(lengths, waveform.shape[1]), waveform, 0)
    # With these, convolutions without padding end at N / hop frames.
    x = jnp.pad(waveform, ((0, 0), (0, more)))[..., None]
    counts = num_frames(lengths, hop) * hop + more
    for layer in self.conv_layers:
      counts = (counts - layer.kernel) // layer.stride + 1
      x = layer(x, counts)
    return x
