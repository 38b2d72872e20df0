"""Mimi's two residual quantizers of one latent, side by side.

The first levels were trained to say what a self-supervised model hears, the
others quantize the same latent, not what the first leave over.
"""

import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float, Int

from audiolm_jax.pretrained import seanet_conversion
from audiolm_jax.soundstream import quantizer

HALVES = tuple(
    f'{name}_residual_vector_quantizer' for name in ('semantic', 'acoustic')
)
# The published bound: vectors that nothing chose stay finite.
_MIN_USAGE = 1e-5


class ResidualQuantizer(nn.Module):
  """Levels of codebooks, in a space that is linear in the latent's.

  Attributes:
    num_levels: Levels.
    codebook_size: Vectors a level.
    codebook_dim: Width of a vector.
    latent_dim: Width of the latent; if it is that of the vectors, the two
      spaces are one.
  """

  num_levels: int
  codebook_size: int
  codebook_dim: int
  latent_dim: int

  def setup(self):
    shape = (self.num_levels, self.codebook_size, self.codebook_dim)
    self.codebooks = self.param('codebooks', nn.initializers.normal(), shape)
    if self.codebook_dim != self.latent_dim:
      # Convolutions, not Dense: the published kernels have an axis for their
      # tap.
      self.input_proj = nn.Conv(self.codebook_dim, (1,), use_bias=False)
      self.output_proj = nn.Conv(self.latent_dim, (1,), use_bias=False)

  def encode(self, z: Float[Array, 'B T D']) -> Int[Array, 'B T Q']:
    """Codes of all levels."""
    if self.codebook_dim != self.latent_dim:
      z = self.input_proj(z)
    return quantizer.encode(z, self.codebooks)

  def embed(self, codes: Int[Array, 'B T q']) -> Float[Array, 'B T D']:
    """The latent that the codes of the first q levels stand for."""
    z = quantizer.decode(codes, self.codebooks)
    return self.output_proj(z) if self.codebook_dim != self.latent_dim else z


class SplitQuantizer(nn.Module):
  """The semantic levels, then the acoustic ones."""

  num_semantic: int
  num_acoustic: int
  codebook_size: int
  codebook_dim: int
  latent_dim: int

  def setup(self):
    sizes = self.codebook_size, self.codebook_dim, self.latent_dim
    self.semantic, self.acoustic = (
        ResidualQuantizer(levels, *sizes, name=name)
        for levels, name in zip(
            (self.num_semantic, self.num_acoustic), HALVES, strict=True
        )
    )

  def encode(self, z: Float[Array, 'B T D']) -> Int[Array, 'B T Q']:
    """Codes of all levels, semantic ones first."""
    codes = self.semantic.encode(z), self.acoustic.encode(z)
    return jnp.concatenate(codes, axis=-1)

  def embed(self, codes: Int[Array, 'B T q']) -> Float[Array, 'B T D']:
    """The latent that the codes of the first q levels stand for."""
    z = self.semantic.embed(codes[..., : self.num_semantic])
    if codes.shape[-1] > self.num_semantic:
      z = z + self.acoustic.embed(codes[..., self.num_semantic :])
    return z


def take_codebooks(
    tensors: dict[str, np.ndarray], half: str, num_levels: int
) -> Float[np.ndarray, 'Q K D']:
  """Takes the codebooks of one of HALVES out of `tensors`.

  A vector is the mean of those that chose it: their sum by their number.

  Raises:
    UserError: One is missing.
  """
  books = [
      f'quantizer.{half}.layers.{level}.codebook.'
      for level in range(num_levels)
  ]
  for book in books:
    # A flag of training, which would be refused as an unknown tensor.
    tensors.pop(f'{book}initialized', None)
  sums, usage = (
      seanet_conversion.stacked(tensors, [book + name for book in books])
      for name in ('embed_sum', 'cluster_usage')
  )
  return sums / np.maximum(usage, _MIN_USAGE)[..., None]
