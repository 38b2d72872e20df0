"""The two halves of SpectralSoundStream, from and to short-time spectra."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Complex, Float

from audiolm_jax.nn.conformer import Dense
from audiolm_jax.nn.convnext import ConvNext

# Power of a bin that counts as silence: white noise at -67 dB of full scale.
_FLOOR = 1e-4
# Louder than exp(5) no bin of speech or music at full scale is.
_MAX_LOG_MAGNITUDE = 5.0
# The compression of spectra that a network reads: |x| to |x| ** 0.3.
_COMPRESSION = 0.3
# Numbers that a phase is told in.
_PHASES = {'angle': 1, 'vector': 2}
# Shorter vectors than this hardly have a direction, and no steep slope.
_SMALLEST_VECTOR = 0.01


class SpectralEncoder(nn.Module):
  """Spectra to one latent vector for each `stack` of them."""

  num_layers: int
  embed_dim: int
  stack: int
  embedding_dim: int
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, spectra: Complex[Array, 'B N F']) -> Float[Array, 'B T D']:
    x = read_spectra(spectra)
    x = x.reshape(len(x), -1, self.stack * x.shape[-1])
    x = ConvNext(
        self.num_layers,
        self.embed_dim,
        3 * self.embed_dim,
        dtype=self.dtype,
        name='convnext',
    )(x)
    return Dense(
        self.embedding_dim, ('embed', None), self.dtype, name='output'
    )(x)


class SpectralDecoder(nn.Module):
  """Each latent vector to `stack` spectra of `num_bins`."""

  num_layers: int
  embed_dim: int
  stack: int
  num_bins: int
  phase: str = 'angle'
  causal: bool = True
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(
      self, z: Float[Array, 'B T D'], valid: Bool[Array, 'B T'] | None = None
  ) -> Complex[Array, 'B N F']:
    x = ConvNext(
        self.num_layers,
        self.embed_dim,
        3 * self.embed_dim,
        self.causal,
        self.dtype,
        name='convnext',
    )(z, valid)
    numbers = 1 + _PHASES[self.phase]
    x = Dense(
        numbers * self.stack * self.num_bins,
        ('embed', None),
        self.dtype,
        name='output',
    )(x).astype(jnp.float32)
    x = x.reshape(len(x), -1, numbers, self.num_bins)
    magnitude = jnp.exp(jnp.minimum(x[:, :, 0], _MAX_LOG_MAGNITUDE))
    if self.phase == 'angle':
      real, imag = jnp.cos(x[:, :, 1]), jnp.sin(x[:, :, 1])
    else:
      real, imag = x[:, :, 1], x[:, :, 2]
      # Where both are 0 the gradient of their norm is NaN, that of this root 0.
      squares = jnp.square(real) + jnp.square(imag)
      magnitude *= jax.lax.rsqrt(squares + _SMALLEST_VECTOR**2)
    return jax.lax.complex(magnitude * real, magnitude * imag)


def read_spectra(spectra: Complex[Array, 'B T F']) -> Float[Array, 'B T C']:
  """Features of spectra: log magnitude, and real and imaginary part.

  The parts are compressed, so that quiet bins are seen beside loud ones.
  """
  power = jnp.square(spectra.real) + jnp.square(spectra.imag)
  compressed = jnp.maximum(power, _FLOOR) ** ((_COMPRESSION - 1) / 2)
  return jnp.concatenate(
      [
          0.25 * jnp.log(power + _FLOOR),
          compressed * spectra.real,
          compressed * spectra.imag,
      ],
      axis=-1,
  )
