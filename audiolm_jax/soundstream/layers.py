"""Causal convolutions and the blocks of SoundStream's Figure 3.

Every convolution can go on where a piece before it ended (`nn.past`).
"""

from typing import Any

import jax.numpy as jnp
from flax import linen as nn
from jax import lax
from jaxtyping import Array, Bool, Float

from audiolm_jax.nn import cpu, past

KERNEL_AXES = (None, None, 'conv')
DILATIONS = (1, 3, 9)  # Of a block's residual units.


def causal_conv(
    module: nn.Module,
    x: Float[Array, 'B N C'],
    kernel: Float[Array, 'k C D'],
    stride: int = 1,
    dilation: int = 1,
) -> Float[Array, 'B T D']:
  """Convolves behind the module's past, zeros at first; T = N / stride."""
  # Less the stride: the first output then ends with the first `stride` samples,
  # and there are as many outputs as strides.
  length = (kernel.shape[0] - 1) * dilation + 1 - stride
  if streaming := length > 0 and past.is_streaming(module):
    x = past.behind_past(module, x, length)
  return lax.conv_general_dilated(
      x,
      kernel,
      window_strides=(stride,),
      # A past of zeros is padding, which costs no copy of the input.
      padding=[(0 if streaming else length, 0)],
      rhs_dilation=(dilation,),
      dimension_numbers=('NWC', 'WIO', 'NWC'),
  )


def _kernel_init():
  return nn.with_logical_partitioning(
      nn.initializers.lecun_normal(), KERNEL_AXES
  )


def _bias_init():
  return nn.with_logical_partitioning(nn.initializers.zeros, KERNEL_AXES[-1:])


class CausalConv(nn.Module):
  """Convolution that sees only the past.

  Attributes:
    features: Output channels.
    kernel_size: Taps.
    stride: Input samples per output frame; the input's length divides by it.
    dilation: Distance between taps.
    dtype: Type of the computation; parameters are float32.
  """

  features: int
  kernel_size: int
  stride: int = 1
  dilation: int = 1
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: Float[Array, 'B N C']) -> Float[Array, 'B T D']:
    shape = (self.kernel_size, x.shape[-1], self.features)
    kernel = self.param('kernel', _kernel_init(), shape)
    bias = self.param('bias', _bias_init(), (self.features,))
    x, kernel, bias = nn.dtypes.promote_dtype(x, kernel, bias, dtype=self.dtype)
    y = causal_conv(self, x, kernel, self.stride, self.dilation)
    return y + bias[None, None]


class CausalConvTranspose(nn.Module):
  """Transposed convolution, kernel twice the stride, that sees only the past.

  The `stride` samples of frame t are a linear map of frames t - 1 and t, so it
  is a convolution of two taps over frames. XLA:CPU takes the gradient of
  that 15 to 30 times faster than the gradient of `lax.conv_transpose`.
  """

  features: int
  stride: int
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: Float[Array, 'B T C']) -> Float[Array, 'B N D']:
    shape = (2, x.shape[-1], self.stride * self.features)
    kernel = self.param('kernel', _kernel_init(), shape)
    bias = self.param('bias', _bias_init(), (self.features,))
    x, kernel, bias = nn.dtypes.promote_dtype(x, kernel, bias, dtype=self.dtype)
    frames = causal_conv(self, x, kernel)
    return frames.reshape(x.shape[0], -1, self.features) + bias[None, None]


class Film(nn.Module):
  """Scales and shifts each channel as a flag says; at first not at all."""

  @nn.compact
  def __call__(
      self, z: Float[Array, 'B T D'], flag: Bool[Array, 'B _']
  ) -> Float[Array, 'B T D']:
    shape = (2, z.shape[-1])
    gamma = self.param('gamma', _film_init(nn.initializers.ones), shape)
    beta = self.param('beta', _film_init(nn.initializers.zeros), shape)
    row = flag.astype(jnp.int32)
    return gamma[row] * z + beta[row]


def denoised(
    film: Film, z: Float[Array, 'B T D'], denoise: Bool[Array, 'B _'] | None
) -> Float[Array, 'B T D']:
  """Latents without the noise where `denoise` asks for it; None never does."""
  flag = jnp.zeros((len(z), 1), bool) if denoise is None else denoise
  return film(z, flag)


def check_length(waveform: Float[Array, 'B N'], hop_length: int) -> None:
  """Refuses what is no whole number of frames."""
  if waveform.shape[-1] % hop_length:
    raise ValueError(
        f'{waveform.shape[-1]} samples are not a multiple of the hop length'
        f' {hop_length}; pad the waveform.'
    )


def _film_init(init: nn.initializers.Initializer):
  return nn.with_logical_partitioning(init, (None, 'conv'))


class ResidualUnit(nn.Module):
  """Dilated convolution to half the width and back, with identity skip."""

  dilation: int
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: Float[Array, 'B N C']) -> Float[Array, 'B N C']:
    width = x.shape[-1]
    # Half the width is what fits all six parameter counts of Table I.
    y = CausalConv(
        width // 2, kernel_size=7, dilation=self.dilation, dtype=self.dtype
    )(cpu.elu(x))
    return x + CausalConv(width, kernel_size=1, dtype=self.dtype)(cpu.elu(y))


class ResidualUnits(nn.Module):
  """Three residual units, each seeing three times as far as the one before."""

  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: Float[Array, 'B N C']) -> Float[Array, 'B N C']:
    for dilation in DILATIONS:
      x = ResidualUnit(dilation, self.dtype)(x)
    return x


class EncoderBlock(nn.Module):
  """Residual units, then `stride` samples into one frame."""

  features: int
  stride: int
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: Float[Array, 'B N C']) -> Float[Array, 'B T D']:
    x = nn.elu(ResidualUnits(self.dtype)(x))
    return CausalConv(
        self.features, 2 * self.stride, self.stride, dtype=self.dtype
    )(x)


class DecoderBlock(nn.Module):
  """One frame into `stride` samples, then residual units."""

  features: int
  stride: int
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: Float[Array, 'B T C']) -> Float[Array, 'B N D']:
    x = CausalConvTranspose(self.features, self.stride, self.dtype)(nn.elu(x))
    return ResidualUnits(self.dtype)(x)
