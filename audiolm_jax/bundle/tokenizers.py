"""Tokenizers of the parts of a bundle, and what fits them."""

from flax import linen as nn

from audiolm_jax.bundle.parts import Part
from audiolm_jax.errors import UserError
from audiolm_jax.nn.kmeans import KMeans
from audiolm_jax.soundstream import networks
from audiolm_jax.tokens.fields import Field
from audiolm_jax.tokens.tokenizers.clusters import ClusterTokenizer
from audiolm_jax.tokens.tokenizers.codec import CodecTokenizer
from audiolm_jax.tokens.tokenizers.codes import CodeTokenizer
from audiolm_jax.tokens.tokenizers.contract import (
    AcousticTokenizer,
    SemanticTokenizer,
)
from audiolm_jax.tokens.tokenizers.public_codecs import public_tokenizer
from audiolm_jax.tokens.tokenizers.soundstream import soundstream_tokenizer


def acoustic(module: nn.Module, part: Part) -> CodecTokenizer:
  """Waveform to codes and back."""
  config, arrays = part
  if config['kind'] not in networks.KINDS:
    return public_tokenizer(module, arrays['params'])
  return soundstream_tokenizer(module, arrays['params'], arrays['codebooks'])


def semantic(
    module: nn.Module, part: Part, where: str
) -> ClusterTokenizer | CodeTokenizer:
  """Waveform to semantic ids.

  Raises:
    UserError: The features have no clusters; `where` names their bundle.
  """
  config, arrays = part
  if config['kind'] == 'semantic_vq':
    return CodeTokenizer(module, arrays['params'], arrays['codebooks'])
  if 'kmeans' not in arrays:
    raise UserError(
        f'The semantic tokenizer of {where} has no clusters yet: run'
        f' audiolm cluster --model={where}.'
    )
  return ClusterTokenizer(
      module, arrays['params'], config['layer'], KMeans(**arrays['kmeans'])
  )


def fits(
    field: Field, tokenizer: SemanticTokenizer | AcousticTokenizer
) -> bool:
  """Returns whether a tokenizer makes what the field of a stage holds."""
  rate = tokenizer.sample_rate / tokenizer.hop_length
  num_levels = getattr(tokenizer, 'num_quantizers', 1)
  return (
      field.codebook_size == tokenizer.codebook_size
      and abs(field.frames_per_second - rate) < 1e-3
      and field.levels.stop <= num_levels
  )
