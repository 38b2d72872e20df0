"""w2v-BERT 2.0 (arXiv 2312.05187), Seamless' speech encoder.

Parameters are named as in Hugging Face's checkpoints.
"""

from collections.abc import Mapping
from typing import Any

from flax import linen as nn
from jaxtyping import Array, Float, Int, PyTree

from audiolm_jax.errors import UserError
from audiolm_jax.pretrained import fbank, frames, speech_config, speech_weights
from audiolm_jax.pretrained.activations import ACTIVATIONS
from audiolm_jax.pretrained.checkpoint import Checkpoint
from audiolm_jax.pretrained.w2v_bert_2_layers import Encoder
from audiolm_jax.pretrained.wav2vec2_blocks import FeatureProjection

MODEL_TYPES = ('wav2vec2-bert',)
# Our fields by what the config calls them.
_NAMES = {
    'embed_dim': 'hidden_size',
    'num_layers': 'num_hidden_layers',
    'num_heads': 'num_attention_heads',
    'mlp_dim': 'intermediate_size',
    'activation': 'hidden_act',
    'epsilon': 'layer_norm_eps',
    'conv_kernel': 'conv_depthwise_kernel_size',
    'max_left': 'left_max_position_embeddings',
    'max_right': 'right_max_position_embeddings',
}
_PREPROCESSOR = {'num_mels': 'num_mel_bins', 'sample_rate': 'sampling_rate'}


class W2vBert2(nn.Module):
  """Features at 50 Hz; the defaults are the public model's, of 0.6 B.

  Attributes:
    num_mels: Number of mel bands of the input.
    embed_dim: Width of the frames.
    num_layers: Conformer blocks.
    num_heads: Attention heads.
    mlp_dim: Hidden width of the feed-forwards.
    activation: Activation of feed-forwards and convolutions.
    relative_keys: Whether distances count in attention.
    max_left: Frames back from which on distances are alike.
    max_right: The same ahead.
    conv_kernel: Taps of the depthwise convolutions.
    epsilon: Epsilon of the norms.
    sample_rate: In Hz.
  """

  num_mels: int = 80
  embed_dim: int = 1024
  num_layers: int = 24
  num_heads: int = 16
  mlp_dim: int = 4096
  activation: str = 'swish'
  relative_keys: bool = True
  max_left: int = 64
  max_right: int = 8
  conv_kernel: int = 31
  epsilon: float = 1e-5
  sample_rate: int = 16000

  @property
  def hop_length(self) -> int:
    return fbank.STACK * fbank.HOP

  @property
  def frame_rate(self) -> float:
    return self.sample_rate / self.hop_length

  def setup(self):
    self.feature_projection = FeatureProjection(
        self.embed_dim, True, self.epsilon
    )
    self.encoder = Encoder(
        self.num_layers,
        self.num_heads,
        self.mlp_dim,
        self.activation,
        self.relative_keys,
        self.max_left,
        self.max_right,
        self.conv_kernel,
        self.epsilon,
    )

  def features(
      self, waveform: Float[Array, 'B N'], lengths: Int[Array, ' B'], layer: int
  ) -> Float[Array, 'B T D']:
    """Input of block `layer`, counted from 0; num_layers: the last output.

    The count is that of `hidden_states` in transformers. Frame t begins with
    sample 320 t and hears 560. So that T = N / 320, a clip goes on beyond its
    length with the zeros that its last frame or two lack. These frames hear the
    others, but no other frame hears them: all that the model's authors have,
    too, is as they have it.

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
    mel = fbank.features(waveform, lengths, self.num_mels, self.sample_rate)
    valid = frames.valid(fbank.num_whole(lengths), mel.shape[1])
    return self.encoder(self.feature_projection(mel), valid, layer)


def convert(
    checkpoint: Checkpoint, preprocessor: Mapping[str, Any] | None = None
) -> tuple[W2vBert2, PyTree]:
  """Module and params of a checkpoint of w2v-BERT 2.0.

  Args:
    checkpoint: Checkpoint of the model alone, or with a head, which is ignored.
    preprocessor: Contents of preprocessor_config.json; without it, 80 mels of
      16 kHz.

  Raises:
    UserError: The checkpoint is of another family, has settings that are not
      supported, or its tensors and config do not fit.
  """
  config, preprocessor = checkpoint.config, preprocessor or {}
  speech_config.check_type(config, MODEL_TYPES)
  unsupported = ('add_adapter', 'use_intermediate_ffn_before_adapter')
  speech_config.refuse(config, unsupported)
  speech_config.choice(config, 'hidden_act', 'swish', tuple(ACTIVATIONS))
  positions = speech_config.choice(
      config, 'position_embeddings_type', 'relative_key', (None, 'relative_key')
  )
  model = W2vBert2(
      **speech_config.fields(config, _NAMES, W2vBert2),
      **speech_config.fields(
          preprocessor, _PREPROCESSOR, W2vBert2, 'preprocessor_config.json'
      ),
      relative_keys=positions is not None,
  )
  speech_config.check_divides(
      _NAMES['num_heads'], model.num_heads, model.embed_dim
  )
  _check_input(model, config, preprocessor)
  return model, speech_weights.params(
      model, checkpoint.tensors, 'wav2vec2_bert.', speech_weights.HEADS
  )


def _check_input(
    model: W2vBert2, config: Mapping[str, Any], preprocessor: Mapping[str, Any]
) -> None:
  width = config.get('feature_projection_input_dim', 160)
  stride = preprocessor.get('stride', fbank.STACK)
  if stride != fbank.STACK or width != stride * model.num_mels:
    raise UserError(
        f'config.json has feature_projection_input_dim={width}, the'
        f' preprocessor makes {stride} x {model.num_mels} numbers, and'
        f' {fbank.STACK} mel frames a step are supported; choose another'
        ' checkpoint.'
    )
