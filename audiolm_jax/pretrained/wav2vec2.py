"""HuBERT (arXiv 2106.07447) and wav2vec 2.0 (arXiv 2006.11477).

Parameters are named as in Hugging Face's checkpoints.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from flax import linen as nn
from jaxtyping import Array, Float, Int, PyTree

from audiolm_jax.pretrained import (
    frames,
    speech_config,
    speech_weights,
    wav2vec2_frontend,
)
from audiolm_jax.pretrained.activations import ACTIVATIONS
from audiolm_jax.pretrained.checkpoint import Checkpoint
from audiolm_jax.pretrained.wav2vec2_blocks import Encoder, FeatureProjection
from audiolm_jax.pretrained.wav2vec2_frontend import (
    FeatureExtractor,
    normalized,
)

MODEL_TYPES = ('hubert', 'wav2vec2')
CONV_NORMS = ('group', 'layer')
# After the last block of large models: beyond what `features` gives.
_LAST_NORM = ('encoder.layer_norm.',)
# Our fields by what the config calls them, and the preprocessor's.
_NAMES = {
    'conv_channels': 'conv_dim',
    'conv_kernels': 'conv_kernel',
    'conv_strides': 'conv_stride',
    'conv_bias': 'conv_bias',
    'conv_norm': 'feat_extract_norm',
    'conv_activation': 'feat_extract_activation',
    'embed_dim': 'hidden_size',
    'num_layers': 'num_hidden_layers',
    'num_heads': 'num_attention_heads',
    'mlp_dim': 'intermediate_size',
    'activation': 'hidden_act',
    'pre_norm': 'do_stable_layer_norm',
    'epsilon': 'layer_norm_eps',
    'position_kernel': 'num_conv_pos_embeddings',
    'position_groups': 'num_conv_pos_embedding_groups',
}
_PREPROCESSOR = {'normalize': 'do_normalize', 'sample_rate': 'sampling_rate'}


class Wav2Vec2(nn.Module):
  """Features of samples; the defaults are HuBERT and wav2vec 2.0 base.

  Attributes:
    conv_channels: Channels of each convolution over samples.
    conv_kernels: Taps of each convolution.
    conv_strides: Strides of each convolution.
    conv_bias: Whether the convolutions have one.
    conv_norm: 'group' over time after the first, or 'layer' after each.
    conv_activation: After each, and after the positional convolution.
    projection_norm: Whether a norm comes before the Transformer's input layer.
    embed_dim: Width of the frames.
    num_layers: Transformer blocks.
    num_heads: Attention heads.
    mlp_dim: Hidden width of the feed-forwards.
    activation: Activation of the feed-forwards.
    pre_norm: Whether norms come before each branch, as in the large models.
    epsilon: Epsilon of the Transformer's norms.
    position_kernel: Frames that the positional convolution spans.
    position_groups: Number of groups of channels in it.
    normalize: Whether each clip is brought to zero mean and unit variance.
    sample_rate: In Hz.
  """

  conv_channels: Sequence[int] = (512,) * 7
  conv_kernels: Sequence[int] = (10, 3, 3, 3, 3, 2, 2)
  conv_strides: Sequence[int] = (5, 2, 2, 2, 2, 2, 2)
  conv_bias: bool = False
  conv_norm: str = 'group'
  conv_activation: str = 'gelu'
  projection_norm: bool = True
  embed_dim: int = 768
  num_layers: int = 12
  num_heads: int = 12
  mlp_dim: int = 3072
  activation: str = 'gelu'
  pre_norm: bool = False
  epsilon: float = 1e-5
  position_kernel: int = 128
  position_groups: int = 16
  normalize: bool = True
  sample_rate: int = 16000

  @property
  def hop_length(self) -> int:
    return math.prod(self.conv_strides)

  @property
  def frame_rate(self) -> float:
    return self.sample_rate / self.hop_length

  def setup(self):
    self.feature_extractor = FeatureExtractor(
        self.conv_channels,
        self.conv_kernels,
        self.conv_strides,
        self.conv_bias,
        self.conv_norm,
        self.conv_activation,
    )
    self.feature_projection = FeatureProjection(
        self.embed_dim, self.projection_norm, self.epsilon
    )
    self.encoder = Encoder(
        self.num_layers,
        self.num_heads,
        self.mlp_dim,
        self.activation,
        self.pre_norm,
        self.epsilon,
        self.position_kernel,
        self.position_groups,
        self.conv_activation,
    )

  def features(
      self, waveform: Float[Array, 'B N'], lengths: Int[Array, ' B'], layer: int
  ) -> Float[Array, 'B T D']:
    """Input of block `layer`, counted from 0; num_layers: the last output.

    The count is that of `hidden_states` in transformers and of layers in
    fairseq. The norm that large models have after the last block is left out,
    as fairseq does in a layer's features, and transformers since version 5.

    Frame t begins with sample t hop_length and hears more than a hop: 400
    samples in the public models, whose hop is 320. So that T = N / hop_length,
    a clip goes on beyond its length with the zeros that its last frame lacks;
    transformers makes the same of a clip that ends in those zeros.

    A clip's features depend neither on its padding nor on the rest of the
    batch. Frames past its end are arbitrary.

    Args:
      waveform: N is a multiple of hop_length.
      lengths: Samples that belong to each clip.
      layer: 0 to num_layers.

    Raises:
      UserError: There is no such layer.
      ValueError: N is not a multiple of hop_length.
    """
    frames.check_call(self, waveform.shape[1], layer)
    if self.normalize:
      waveform = normalized(waveform, lengths)
    x = self.feature_extractor(waveform, lengths)
    counts = frames.num_frames(lengths, self.hop_length)
    valid = frames.valid(counts, x.shape[1])
    return self.encoder(self.feature_projection(x), valid, layer)


def convert(
    checkpoint: Checkpoint, preprocessor: Mapping[str, Any] | None = None
) -> tuple[Wav2Vec2, PyTree]:
  """Module and params of a checkpoint of HuBERT or wav2vec 2.0.

  Args:
    checkpoint: Checkpoint of the model alone, or with a head, which is ignored.
    preprocessor: Contents of preprocessor_config.json; without it, clips are
      brought to zero mean and unit variance.

  Raises:
    UserError: The checkpoint is of another family, has settings that are not
      supported, or its tensors and config do not fit.
  """
  config = checkpoint.config
  speech_config.check_type(config, MODEL_TYPES)
  unsupported = ('conv_pos_batch_norm', 'add_adapter', 'adapter_attn_dim')
  speech_config.refuse(config, unsupported)
  speech_config.choice(config, 'feat_extract_norm', 'group', CONV_NORMS)
  for name in ('hidden_act', 'feat_extract_activation'):
    speech_config.choice(config, name, 'gelu', tuple(ACTIVATIONS))
  model = Wav2Vec2(
      **speech_config.fields(config, _names(config), Wav2Vec2),
      **speech_config.fields(
          preprocessor or {},
          _PREPROCESSOR,
          Wav2Vec2,
          'preprocessor_config.json',
      ),
  )
  for field in ('num_heads', 'position_groups'):
    count = getattr(model, field)
    speech_config.check_divides(_NAMES[field], count, model.embed_dim)
  wav2vec2_frontend.check_sizes(
      model.conv_channels, model.conv_kernels, model.conv_strides
  )
  prefix = config['model_type'] + '.'
  unread = (*speech_weights.HEADS, *(_LAST_NORM if model.pre_norm else ()))
  return model, speech_weights.params(model, checkpoint.tensors, prefix, unread)


def _names(config: Mapping[str, Any]) -> dict[str, str]:
  """wav2vec 2.0 always has the norm that HuBERT may go without."""
  if config['model_type'] == 'wav2vec2':
    return _NAMES
  return {**_NAMES, 'projection_norm': 'feat_proj_layer_norm'}
