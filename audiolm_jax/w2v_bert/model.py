"""w2v-BERT: contrastive and masked-prediction halves (arXiv 2108.06209)."""

import functools
from typing import Any, NamedTuple

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int

from audiolm_jax.nn.attention import RelativePositionBias
from audiolm_jax.nn.conformer import ConformerBlock, Dense
from audiolm_jax.w2v_bert import cepstral, frontend, masking
from audiolm_jax.w2v_bert.quantizer import Codes, GumbelQuantizer, Unmasked

QUANTIZERS = {
    'gumbel': GumbelQuantizer,
    'cepstral': functools.partial(
        cepstral.CepstralQuantizer, describe=cepstral.envelope
    ),
    'pitch': functools.partial(
        cepstral.CepstralQuantizer, describe=cepstral.pitch
    ),
}


class Predictions(NamedTuple):
  """The vectors that are compared in pre-training.

  Attributes:
    context: Output of the contrastive half, from each frame's surroundings.
    codes: Output of the quantizer for the unmasked frames.
    logits: The masked-prediction half's guess at the ids.
  """

  context: Float[Array, 'B T D']
  codes: Codes
  logits: Float[Array, 'B T K']


class W2vBert(nn.Module):
  """Semantic features at 25 Hz; the defaults are the 0.6 B model (XL).

  Attributes:
    num_mels: Mel bins of the input.
    conv_channels: Channels of the two 2-D convolutions that make 25 Hz of 100
      Hz.
    embed_dim: Width of the frames.
    num_heads: Attention heads.
    mlp_dim: Hidden width of the feed-forwards.
    num_contrastive_layers: Conformer blocks before the contrastive loss.
    num_mlm_layers: Conformer blocks after it.
    conv_kernel: Taps of the depthwise convolutions.
    quantizer: 'gumbel', which is learned, or for small budgets 'cepstral'
      for speech, 'pitch' for music.
    codebook_size: Codes of the quantizer.
    code_dim: Width of a code, and of what is compared with it.
    num_buckets: Number of buckets of the relative position bias.
    max_distance: In frames; farther ones share a bucket.
    dropout_rate: In every branch of a block.
    sample_rate: In Hz.
    dtype: Type of the computation; parameters are float32.
  """

  num_mels: int = 80
  conv_channels: int = 128
  embed_dim: int = 1024
  num_heads: int = 8
  mlp_dim: int = 4096
  num_contrastive_layers: int = 12
  num_mlm_layers: int = 12
  conv_kernel: int = 5
  quantizer: str = 'gumbel'
  codebook_size: int = 1024
  code_dim: int = 1024
  num_buckets: int = 32
  max_distance: int = 128
  dropout_rate: float = 0.1
  sample_rate: int = 16000
  dtype: Any = jnp.float32

  @property
  def num_layers(self) -> int:
    """Number of the last layer whose features can be asked for."""
    return self.num_mlm_layers

  @property
  def hop_length(self) -> int:
    return frontend.HOP_LENGTH

  @property
  def frame_rate(self) -> float:
    return self.sample_rate / self.hop_length

  def setup(self):
    self.subsampling = frontend.Subsampling(
        self.conv_channels, self.embed_dim, self.dtype
    )
    self.input = Dense(self.embed_dim, (None, 'embed'), self.dtype)
    self.position_bias = RelativePositionBias(
        self.num_heads, self.num_buckets, self.max_distance, bidirectional=True
    )
    self.contrastive = self._blocks(self.num_contrastive_layers)
    self.mlm = self._blocks(self.num_mlm_layers)
    self.targets = QUANTIZERS[self.quantizer](
        self.codebook_size, self.code_dim, self.dtype
    )
    self.context = Dense(self.code_dim, ('embed', None), self.dtype)
    self.head = Dense(self.codebook_size, ('embed', 'vocab'), self.dtype)

  def features(
      self, waveform: Float[Array, 'B N'], length: Int[Array, ' B'], layer: int
  ) -> Float[Array, 'B T D']:
    """Output of the MLM half's block `layer`, counted from 1; T = N / 640.

    A clip's features depend neither on its padding nor on the rest of the
    batch. AudioLM reads layer 7 of 12 (s. IV-B). Layer 0 is the contrastive
    half's output. N is a multiple of 640.
    """
    valid = frontend.valid_frames(length, self._num_frames(waveform))
    x = self.subsampling(self._mel(waveform, length), valid)
    blocks = (*self.contrastive, *self.mlm[:layer])
    return self._run(blocks, self.input(x), valid, deterministic=True)

  def __call__(
      self,
      waveform: Float[Array, 'B N'],
      length: Int[Array, ' B'],
      masked: Bool[Array, 'B T'],
      temperature: Float[Array, ''],
      deterministic: bool = True,
  ) -> Predictions:
    """Predicts what is `masked`; needs random streams 'noise', 'quantizer'."""
    valid = frontend.valid_frames(length, self._num_frames(waveform))
    mel = self._mel(waveform, length)
    x = self.subsampling(mel, valid)
    # Targets are of what was there: they come before anything is hidden.
    codes = self.targets(Unmasked(mel, x, valid), temperature, deterministic)
    x = self.input(masking.hide(self.make_rng('noise'), x, masked))
    context = self._run(self.contrastive, x, valid, deterministic)
    y = self._run(self.mlm, context, valid, deterministic)
    return Predictions(self.context(context), codes, self.head(y))

  def _blocks(self, count: int) -> list[ConformerBlock]:
    return [
        ConformerBlock(
            self.num_heads,
            self.mlp_dim,
            self.conv_kernel,
            self.dropout_rate,
            self.dtype,
        )
        for _ in range(count)
    ]

  def _num_frames(self, waveform: Float[Array, 'B N']) -> int:
    if waveform.shape[1] % self.hop_length:
      raise ValueError(
          f'{waveform.shape[1]} samples are not a multiple of the hop length'
          f' {self.hop_length}; pad the waveform.'
      )
    return waveform.shape[1] // self.hop_length

  def _mel(self, waveform, length):
    return frontend.normalized_log_mel(
        waveform, length, self.num_mels, self.sample_rate
    )

  def _run(self, blocks, x, valid, deterministic):
    positions = jnp.arange(x.shape[1])
    # One table serves all blocks, as in T5.
    bias = self.position_bias(positions, positions)
    for block in blocks:
      x = block(x, bias, valid, deterministic)
    return x
