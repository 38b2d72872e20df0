"""DAC (arXiv 2306.06546), the Descript Audio Codec."""

import math
from typing import Any

import jax.numpy as jnp
from flax import linen as nn
from jax import lax
from jaxtyping import Array, Float, Int

from audiolm_jax.pretrained import seanet, seanet_conversion
from audiolm_jax.pretrained.checkpoint import Checkpoint
from audiolm_jax.pretrained.dac_layers import Decoder, Encoder

_DEFAULTS = {
    'sampling_rate': 16000,
    'encoder_hidden_size': 64,
    'decoder_hidden_size': 1536,
    'downsampling_ratios': (2, 4, 8, 8),
    'n_codebooks': 9,
    'codebook_size': 1024,
    'codebook_dim': 8,
}


class Level(nn.Module):
  """One level of the quantizer, which compares directions only."""

  latent_dim: int
  codebook_size: int
  codebook_dim: int

  def setup(self):
    self.in_proj = nn.Dense(self.codebook_dim)
    self.out_proj = nn.Dense(self.latent_dim)
    shape = (self.codebook_size, self.codebook_dim)
    self.codebook = self.param('codebook', nn.initializers.normal(), shape)

  def encode(self, residual: Float[Array, 'B T D']) -> Int[Array, 'B T']:
    """The code whose direction is nearest to that of the projection."""
    # In bfloat16, as TPUs multiply by default, other codes would be nearest.
    # The squares are 1 but for rounding; they have the sign that transformers
    # gives them, which matters at most where two codes are about equally near.
    x, books = _unit(self.in_proj(residual)), _unit(self.codebook)
    scores = 2 * jnp.einsum(
        'btd,kd->btk', x, books, precision=lax.Precision.HIGHEST
    )
    return (scores + jnp.square(books).sum(-1)[None, None]).argmax(axis=-1)

  def decode(self, codes: Int[Array, 'B T']) -> Float[Array, 'B T D']:
    """The vectors that codes stand for."""
    # As long as they were learnt: only the comparison is of unit vectors.
    return self.out_proj(self.codebook[codes])


class Dac(nn.Module):
  """DAC's encoder, factorized quantizer and decoder.

  Attributes:
    sample_rate: In Hz.
    num_quantizers: Levels of the residual quantizer.
    codebook_size: Codes a level.
    codebook_dim: Width in which codes are compared.
    encoder_channels: Channels of the first convolution.
    decoder_channels: Channels of the decoder's first convolution.
    strides: Strides of the encoder; the decoder has them in reverse.
  """

  sample_rate: int
  num_quantizers: int
  codebook_size: int
  codebook_dim: int
  encoder_channels: int
  decoder_channels: int
  strides: tuple[int, ...]

  # What follows changes what is decoded before it.
  causal = False

  @property
  def hop_length(self) -> int:
    return math.prod(self.strides)

  @property
  def frame_rate(self) -> float:
    return self.sample_rate / self.hop_length

  def setup(self):
    strides = tuple(self.strides)
    # No setting says this width; transformers derives it as well.
    latent_dim = self.encoder_channels * 2 ** len(strides)
    self.encoder = Encoder(self.encoder_channels, strides, latent_dim)
    self.decoder = Decoder(self.decoder_channels, strides[::-1])
    self.levels = [
        Level(latent_dim, self.codebook_size, self.codebook_dim)
        for _ in range(self.num_quantizers)
    ]

  def encode(
      self, waveform: Float[Array, 'B N'], lengths: Int[Array, ' B']
  ) -> Int[Array, 'B T Q']:
    """Codes of rows that end after `lengths` samples; frames past that are 0.

    N is a multiple of `hop_length`. The codes of a row are those of its
    samples alone, padded with zeros to whole frames.
    """
    waveform, num_frames = seanet.whole_frames(
        waveform, lengths, self.hop_length
    )
    residual = self.encoder(waveform, num_frames * self.hop_length)
    codes = []
    for level in self.levels:
      codes.append(level.encode(residual))
      residual -= level.decode(codes[-1])
    return seanet.zero_past(jnp.stack(codes, axis=-1), num_frames)

  def embed(self, codes: Int[Array, 'B T q']) -> Float[Array, 'B T D']:
    """The sum of the vectors that the codes of the first q levels name."""
    levels = self.levels[: codes.shape[-1]]
    return sum(level.decode(codes[..., i]) for i, level in enumerate(levels))

  def decode(self, codes: Int[Array, 'B T q']) -> Float[Array, 'B N']:
    """Codes of the first q levels to `hop_length` samples a frame.

    Where strides are odd the network makes a few samples less; zeros follow.
    """
    waveform = self.decoder(self.embed(codes))
    missing = codes.shape[1] * self.hop_length - waveform.shape[1]
    return jnp.pad(waveform, [(0, 0), (0, missing)])

  def __call__(self, waveform: Float[Array, 'B N']) -> Float[Array, 'B N']:
    """Encodes and decodes; `init` traces this."""
    lengths = jnp.full(len(waveform), waveform.shape[1])
    return self.decode(self.encode(waveform, lengths))


def convert(checkpoint: Checkpoint) -> tuple[Dac, dict[str, Any]]:
  """The model that a checkpoint describes, and its params.

  Raises:
    UserError: The checkpoint is of another family, or its weights do not fit
      its configuration.
  """
  config = checkpoint.config
  seanet_conversion.check_family(config, 'dac')
  fields = seanet_conversion.settings(config, _DEFAULTS)
  ratios = fields['downsampling_ratios']
  seanet_conversion.refuse(config, 'upsampling_ratios', [list(ratios[::-1])])
  model = Dac(
      sample_rate=fields['sampling_rate'],
      num_quantizers=fields['n_codebooks'],
      codebook_size=fields['codebook_size'],
      codebook_dim=fields['codebook_dim'],
      encoder_channels=fields['encoder_hidden_size'],
      decoder_channels=fields['decoder_hidden_size'],
      strides=ratios,
  )
  transposed = {
      f'decoder.block.{i}.conv_t1.weight': 1 for i in range(len(ratios))
  }
  params = seanet_conversion.network_tensors(checkpoint.tensors, transposed)
  named = dict(_renamed(path, leaf) for path, leaf in params.items())
  return model, seanet_conversion.fitted(model, named)


def _renamed(path: tuple[str, ...], leaf: Any) -> tuple[tuple[str, ...], Any]:
  """A tensor of `transformers` as this module holds it."""
  # Torch keeps alphas with an axis for the batch and one for time.
  if path[-1] == 'alpha':
    return path, leaf.reshape(-1)
  if path[0] != 'quantizer':
    return path, leaf
  level = path[1].replace('quantizers_', 'levels_')
  # Turned round with the kernels, but a table of vectors has to stay as it was.
  # The linear maps were convolutions of one tap.
  if path[2] == 'codebook':
    return (level, 'codebook'), leaf.transpose()
  return (level, *path[2:]), leaf[0] if leaf.ndim == 3 else leaf


def _unit(x: Float[Array, '*B d']) -> Float[Array, '*B d']:
  norm = jnp.sqrt(jnp.square(x).sum(axis=-1, keepdims=True))
  # The bound of torch's `normalize`: a vector of 0 stays 0.
  return x / jnp.maximum(norm, 1e-12)
