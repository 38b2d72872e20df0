"""EnCodec (arXiv 2210.13438), as the mono model of 24 kHz has it."""

import math
from typing import Any

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Int

from audiolm_jax.errors import UserError
from audiolm_jax.pretrained import seanet, seanet_conversion
from audiolm_jax.pretrained.checkpoint import Checkpoint
from audiolm_jax.soundstream import quantizer

_DEFAULTS = {
    'sampling_rate': 24000,
    'hidden_size': 128,
    'num_filters': 32,
    'num_residual_layers': 1,
    'upsampling_ratios': (8, 5, 4, 2),
    'norm_type': 'weight_norm',
    'kernel_size': 7,
    'last_kernel_size': 7,
    'residual_kernel_size': 3,
    'dilation_growth_rate': 2,
    'use_causal_conv': True,
    'pad_mode': 'reflect',
    'compress': 2,
    'num_lstm_layers': 2,
    'trim_right_ratio': 1.0,
    'codebook_size': 1024,
    'use_conv_shortcut': True,
}
_BANDWIDTHS = {'target_bandwidths': (1.5, 3.0, 6.0, 12.0, 24.0)}
# Tensors of a codebook that only its training needs.
_TRAINING = ('cluster_size', 'embed_avg', 'inited')


class Encodec(nn.Module):
  """EnCodec's encoder, codebooks and decoder.

  Attributes:
    sample_rate: In Hz.
    num_quantizers: Levels of the residual quantizer.
    codebook_size: Vectors a level.
    norm_type: 'weight_norm', which is folded into the weights, or
      'time_group_norm'.

  The others are those of `seanet.Shape`, by their names in config.json.
  """

  sample_rate: int
  num_quantizers: int
  codebook_size: int
  hidden_size: int
  num_filters: int
  num_residual_layers: int
  upsampling_ratios: tuple[int, ...]
  norm_type: str
  kernel_size: int
  last_kernel_size: int
  residual_kernel_size: int
  dilation_growth_rate: int
  use_causal_conv: bool
  pad_mode: str
  compress: int
  num_lstm_layers: int
  trim_right_ratio: float
  use_conv_shortcut: bool

  @property
  def hop_length(self) -> int:
    return math.prod(self.upsampling_ratios)

  @property
  def frame_rate(self) -> float:
    return self.sample_rate / self.hop_length

  @property
  def causal(self) -> bool:
    """Returns whether what follows changes nothing that is decoded before.

    It does where the first samples are mirrored, and where norms see all.
    """
    return (
        self.use_causal_conv
        and self.pad_mode != 'reflect'
        and self.norm_type == 'weight_norm'
        and self.trim_right_ratio == 1.0
    )

  @property
  def shape(self) -> seanet.Shape:
    """Shape of the two networks."""
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
        lstm_layers=self.num_lstm_layers,
        causal=self.use_causal_conv,
        pad_mode=self.pad_mode,
        trim_right_ratio=self.trim_right_ratio,
        group_norm=self.norm_type == 'time_group_norm',
    )

  def setup(self):
    self.encoder = seanet.Encoder(self.shape)
    self.decoder = seanet.Decoder(self.shape)
    shape = (self.num_quantizers, self.codebook_size, self.hidden_size)
    self.codebooks = self.param('codebooks', nn.initializers.normal(), shape)

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
    return seanet.zero_past(quantizer.encode(z, self.codebooks), num_frames)

  def embed(self, codes: Int[Array, 'B T q']) -> Float[Array, 'B T D']:
    """The sum of the vectors that the codes of the first q levels name."""
    return quantizer.decode(codes, self.codebooks)

  def decode(self, codes: Int[Array, 'B T q']) -> Float[Array, 'B N']:
    """Codes of the first q levels to `hop_length` samples a frame."""
    return self.decoder(self.embed(codes))

  def __call__(self, waveform: Float[Array, 'B N']) -> Float[Array, 'B N']:
    """Encodes and decodes; `init` traces this."""
    lengths = jnp.full(len(waveform), waveform.shape[1])
    return self.decode(self.encode(waveform, lengths))


def convert(checkpoint: Checkpoint) -> tuple[Encodec, dict[str, Any]]:
  """The model that a checkpoint describes, and its params.

  Raises:
    UserError: The checkpoint is of another family, asks for something that is
      not supported, or its weights do not fit its configuration.
  """
  _check(checkpoint.config)
  fields = seanet_conversion.settings(checkpoint.config, _DEFAULTS)
  num_quantizers = _num_quantizers(checkpoint.config, fields)
  sample_rate = fields.pop('sampling_rate')
  model = Encodec(
      sample_rate=sample_rate, num_quantizers=num_quantizers, **fields
  )
  tensors = {
      name: tensor
      for name, tensor in checkpoint.tensors.items()
      if not (name.startswith('quantizer.') and name.endswith(_TRAINING))
  }
  books = [
      f'quantizer.layers.{level}.codebook.embed'
      for level in range(model.num_quantizers)
  ]
  codebooks = seanet_conversion.stacked(tensors, books)
  transposed = model.shape.transposed_weights
  params = seanet_conversion.network_tensors(tensors, transposed)
  params['codebooks',] = codebooks
  return model, seanet_conversion.fitted(model, params)


def _check(config: dict[str, Any]) -> None:
  seanet_conversion.check_family(config, 'encodec')
  seanet_conversion.refuse_convolutions(config)
  norms = ['weight_norm', 'time_group_norm']
  seanet_conversion.refuse(config, 'norm_type', norms)
  # The model of 48 kHz: stereo, scaled and cut into overlapping chunks.
  seanet_conversion.refuse(config, 'normalize', [False])
  seanet_conversion.refuse(config, 'chunk_length_s', [None])
  width = config.get('hidden_size', _DEFAULTS['hidden_size'])
  # Codebooks hold latents as they are: no projection lies between.
  seanet_conversion.refuse(config, 'codebook_dim', [width])


def _num_quantizers(config: dict[str, Any], fields: dict[str, Any]) -> int:
  """Number of levels that the largest bandwidth, in kbit/s, has room for."""
  said = seanet_conversion.settings(config, _BANDWIDTHS)['target_bandwidths']
  frame_rate = seanet_conversion.frames_per_second(
      fields['sampling_rate'], fields['upsampling_ratios']
  )
  # Counted as transformers does: whole bits a code, and a rounded frame rate. A
  # codebook of one vector has no bits, and would divide by zero.
  bits = max(math.ceil(math.log2(fields['codebook_size'])), 1) * frame_rate
  count = int(1000 * said[-1] // bits)
  if not count:
    raise UserError(
        f'config.json has target_bandwidths: {list(said)},'
        f' but one level alone has {bits} bits a second; choose another model.'
    )
  return count
