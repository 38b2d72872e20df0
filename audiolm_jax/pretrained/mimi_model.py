"""Mimi, the codec of Moshi (arXiv 2410.00037)."""

import math

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Int

from audiolm_jax.pretrained import mimi_quantizer, seanet
from audiolm_jax.pretrained.mimi_transformer import Sizes, Transformer
from audiolm_jax.pretrained.seanet_layers import Conv, ConvTranspose


class Mimi(nn.Module):
  """Mimi's encoder, quantizer and decoder.

  Attributes:
    sample_rate: In Hz.
    latent_stride: Latents of the convolutional encoder a frame.
    num_quantizers: Levels, the `num_semantic_quantizers` included.
    codebook_size: Vectors a level.
    codebook_dim: Width of a vector.
    upsample_groups: Groups of channels of the convolution between the frames
      and the latents of the convolutional decoder.

  The others are those of `seanet.Shape` and `mimi_transformer.Sizes`, by their
  names in config.json.
  """

  sample_rate: int
  latent_stride: int
  hidden_size: int
  num_filters: int
  num_residual_layers: int
  upsampling_ratios: tuple[int, ...]
  kernel_size: int
  last_kernel_size: int
  residual_kernel_size: int
  dilation_growth_rate: int
  use_causal_conv: bool
  pad_mode: str
  compress: int
  trim_right_ratio: float
  use_conv_shortcut: bool
  codebook_size: int
  codebook_dim: int
  num_quantizers: int
  num_semantic_quantizers: int
  upsample_groups: int
  num_hidden_layers: int
  intermediate_size: int
  num_attention_heads: int
  num_key_value_heads: int
  head_dim: int
  hidden_act: str
  norm_eps: float
  rope_theta: float
  sliding_window: int
  attention_bias: bool

  @property
  def hop_length(self) -> int:
    return math.prod(self.upsampling_ratios) * self.latent_stride

  @property
  def frame_rate(self) -> float:
    return self.sample_rate / self.hop_length

  @property
  def causal(self) -> bool:
    """Returns whether what follows changes nothing that is decoded before."""
    return (
        self.use_causal_conv
        and self.pad_mode != 'reflect'
        and self.trim_right_ratio == 1.0
    )

  @property
  def shape(self) -> seanet.Shape:
    """Shape of the convolutional encoder and decoder."""
    return seanet.Shape(
        num_filters=self.num_filters,
        hidden_size=self.hidden_size,
        ratios=tuple(self.upsampling_ratios),
        num_residual_layers=self.num_residual_layers,
        kernel_size=self.kernel_size,
        last_kernel_size=self.last_kernel_size,
        residual_kernel_size=self.residual_kernel_size,
        dilation_growth_rate=self.dilation_growth_rate,
        compress=self.compress,
        conv_shortcut=self.use_conv_shortcut,
        lstm_layers=0,
        causal=self.use_causal_conv,
        pad_mode=self.pad_mode,
        trim_right_ratio=self.trim_right_ratio,
        group_norm=False,
    )

  @property
  def sizes(self) -> Sizes:
    """Sizes of both transformers."""
    return Sizes(
        num_layers=self.num_hidden_layers,
        num_heads=self.num_attention_heads,
        num_key_value_heads=self.num_key_value_heads,
        head_dim=self.head_dim,
        hidden_width=self.intermediate_size,
        window=self.sliding_window,
        rope_theta=self.rope_theta,
        norm_eps=self.norm_eps,
        activation=self.hidden_act,
        attention_bias=self.attention_bias,
    )

  def setup(self):
    shape, stride = self.shape, self.latent_stride
    self.encoder = seanet.Encoder(shape)
    self.decoder = seanet.Decoder(shape)
    self.encoder_transformer = Transformer(self.sizes)
    self.decoder_transformer = Transformer(self.sizes)
    self.downsample = Conv(
        self.hidden_size,
        2 * stride,
        stride,
        causal=self.use_causal_conv,
        # As published, whatever config.json says of the others.
        pad_mode='replicate',
        use_bias=False,
    )
    self.upsample = ConvTranspose(
        self.hidden_size,
        stride,
        shape.trim_left(stride),
        self.upsample_groups,
        use_bias=False,
    )
    self.quantizer = mimi_quantizer.SplitQuantizer(
        self.num_semantic_quantizers,
        self.num_quantizers - self.num_semantic_quantizers,
        self.codebook_size,
        self.codebook_dim,
        self.hidden_size,
    )

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
    z = self.encoder(waveform, num_frames * self.hop_length)
    # No frame sees what follows, nor what follows the end.
    z = self.encoder_transformer(z)
    z = self.downsample(z, num_frames * self.latent_stride)
    return seanet.zero_past(self.quantizer.encode(z), num_frames)

  def embed(self, codes: Int[Array, 'B T q']) -> Float[Array, 'B T D']:
    """The latent that the codes of the first q levels stand for."""
    return self.quantizer.embed(codes)

  def decode(self, codes: Int[Array, 'B T q']) -> Float[Array, 'B N']:
    """Codes of the first q levels to `hop_length` samples a frame."""
    return self.decoder(
        self.decoder_transformer(self.upsample(self.embed(codes)))
    )

  def __call__(self, waveform: Float[Array, 'B N']) -> Float[Array, 'B N']:
    """Encodes and decodes; `init` traces this."""
    lengths = jnp.full(len(waveform), waveform.shape[1])
    return self.decode(self.encode(waveform, lengths))
