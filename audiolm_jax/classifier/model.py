"""The classifier of AudioLM s. IV-D, which s. IV-H uses again as a detector."""

from typing import Any

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from audiolm_jax.nn import spectral

WINDOW_SECONDS = 0.025
HOP_SECONDS = 0.010
# Quieter than this is what 16 bits leave, natural log of power.
_FLOOR = 1e-5
# Mean and deviation of log-mels of speech and piano: inputs of about zero mean.
_MEL_MEAN, _MEL_STD = -7.0, 4.0
_BATCH_NORM_MOMENTUM = 0.95
_POOL = (2, 2)


class Block(nn.Module):
  """Convolves along time, then along frequency; ReLU and batch norm.

  Attributes:
    features: Output channels.
    pools: Halves time and frequency.
    dtype: Type of the convolutions; parameters and statistics are float32.
  """

  features: int
  pools: bool
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(
      self, x: Float[Array, 'B T M C'], training: bool
  ) -> Float[Array, 'B T2 M2 D']:
    x = self._conv((3, 1), 'time')(x)
    x = nn.relu(self._conv((1, 3), 'frequency')(x))
    x = nn.BatchNorm(
        use_running_average=not training,
        momentum=_BATCH_NORM_MOMENTUM,
        scale_init=_named(nn.initializers.ones, 'conv'),
        bias_init=_named(nn.initializers.zeros, 'conv'),
        name='norm',
    )(x)
    return nn.max_pool(x, _POOL, _POOL) if self.pools else x

  def _conv(self, kernel: tuple[int, int], name: str) -> nn.Conv:
    axes = (None, None, None, 'conv')
    return nn.Conv(
        self.features,
        kernel,
        kernel_init=_named(nn.initializers.he_normal(), *axes),
        bias_init=_named(nn.initializers.zeros, 'conv'),
        dtype=self.dtype,
        name=name,
    )


class Classifier(nn.Module):
  """A second of sound to the logits of its classes.

  The paper names neither the head nor whether the first block counts as one
  that has more channels than what goes in. Here it does, so that four of six
  blocks pool, and the head is a mean over time and a linear layer on all
  channels and mel bands that are left.

  Attributes:
    labels: Names of the classes.
    channels: Channels of each block; where they grow, it pools.
    num_mels: Mel bands, which the pools have to leave some of.
    sample_rate: In Hz.
    dtype: Type of the convolutions.
  """

  labels: tuple[str, ...]
  channels: tuple[int, ...] = (64, 128, 256, 256, 512, 512)
  num_mels: int = 64
  sample_rate: int = 16000
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(
      self, waveform: Float[Array, 'B N'], training: bool = False
  ) -> Float[Array, 'B V']:
    x = self._log_mel(waveform)[..., None]
    for index, features in enumerate(self.channels):
      pools = features > x.shape[-1]
      block = Block(features, pools, self.dtype, name=f'block_{index}')
      x = block(x, training)
    x = x.mean(axis=1).reshape(len(x), -1)
    return nn.Dense(
        len(self.labels),
        kernel_init=_named(nn.initializers.lecun_normal(), 'embed', None),
        bias_init=_named(nn.initializers.zeros, None),
        name='out',
    )(x.astype(jnp.float32))

  def _log_mel(self, waveform: Float[Array, 'B N']) -> Float[Array, 'B T M']:
    mel = spectral.log_mel(
        waveform,
        self.sample_rate,
        self.num_mels,
        window=round(WINDOW_SECONDS * self.sample_rate),
        hop=round(HOP_SECONDS * self.sample_rate),
        floor=_FLOOR,
    )
    return (mel - _MEL_MEAN) / _MEL_STD


def _named(init: nn.initializers.Initializer, *axes: str | None):
  return nn.with_logical_partitioning(init, axes)
