"""From samples to 25 Hz frames: log-mel, then two strided convolutions."""

from typing import Any

import jax.numpy as jnp
from flax import linen as nn
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from audiolm_jax.nn import spectral
from audiolm_jax.nn.conformer import Dense, LayerNorm

MEL_HOP = 160  # 10 ms at 16 kHz.
STRIDES = (2, 2)  # In time, of the two convolutions.
HOP_LENGTH = MEL_HOP * 4
# Below this power lies what a quiet room and 16 bits leave; natural log.
FLOOR = 1e-5
# Mean and deviation of the log-mels of speech and of piano. A clip's own would
# change with the crop and with padding; a LayerNorm over mel bins would lift
# silence to the level of speech. Constants do neither.
MEL_MEAN = -7.0
MEL_STD = 4.0


def num_frames(length: Int[Array, ' B']) -> Int[Array, ' B']:
  """Frames that hold at least one sample; never less than one."""
  return jnp.maximum(-(-length // HOP_LENGTH), 1)


def valid_frames(length: Int[Array, ' B'], count: int) -> Bool[Array, 'B T']:
  """True where a frame holds sound of the clip, false in padding."""
  return jnp.arange(count)[None] < num_frames(length)[:, None]


def normalized_log_mel(
    waveform: Float[Array, 'B N'],
    length: Int[Array, ' B'],
    num_mels: int,
    sample_rate: int,
) -> Float[Array, 'B T M']:
  """Log-mels at 100 Hz of about zero mean; zeros in frames of padding."""
  inside = jnp.arange(waveform.shape[1])[None] < length[:, None]
  mel = spectral.log_mel(
      jnp.where(inside, waveform, 0),
      sample_rate,
      num_mels,
      hop=MEL_HOP,
      floor=FLOOR,
  )
  mel = (mel - MEL_MEAN) / MEL_STD
  valid = _repeat(valid_frames(length, mel.shape[1] // 4), 4)
  return jnp.where(valid[..., None], mel, 0)


class StridedConv(nn.Module):
  """3 x 3 convolution over time and frequency that halves both."""

  features: int
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(
      self, x: Float[Array, 'B T M C'], valid: Bool[Array, 'B T2']
  ) -> Float[Array, 'B T2 M2 D']:
    init = nn.initializers.he_normal()
    axes = (None, None, None, 'conv')
    kernel = self.param(
        'kernel',
        nn.with_logical_partitioning(init, axes),
        (3, 3, x.shape[-1], self.features),
    )
    bias = self.param(
        'bias',
        nn.with_logical_partitioning(nn.initializers.zeros, axes[-1:]),
        (self.features,),
    )
    x, kernel, bias = nn.dtypes.promote_dtype(x, kernel, bias, dtype=self.dtype)
    y = lax.conv_general_dilated(
        x,
        kernel,
        window_strides=(2, 2),
        padding='SAME',
        dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
    )
    y = nn.relu(y + bias[None, None, None])
    # The next convolution must find the zeros that it would pad with itself.
    return jnp.where(valid[..., None, None], y, 0)


class Subsampling(nn.Module):
  """Log-mels at 100 Hz to one vector at 25 Hz (w2v-BERT's feature encoder)."""

  channels: int
  embed_dim: int
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(
      self, mel: Float[Array, 'B T M'], valid: Bool[Array, 'B T4']
  ) -> Float[Array, 'B T4 D']:
    x = mel[..., None]
    x = StridedConv(self.channels, self.dtype, name='conv_0')(
        x, _repeat(valid, 2)
    )
    x = StridedConv(self.channels, self.dtype, name='conv_1')(x, valid)
    x = x.reshape(*x.shape[:2], -1)
    x = Dense(self.embed_dim, (None, 'embed'), self.dtype, name='out')(x)
    return LayerNorm(self.dtype, name='norm')(x)


def _repeat(valid: Bool[Array, 'B T'], times: int) -> Bool[Array, 'B T2']:
  return jnp.repeat(valid, times, axis=1)
