"""The modules of public models, and their checkpoints as such modules."""

from collections.abc import Mapping
from typing import Any

from flax import linen as nn
from jaxtyping import PyTree

from audiolm_jax.errors import UserError
from audiolm_jax.pretrained import dac, encodec, mimi, w2v_bert_2, wav2vec2
from audiolm_jax.pretrained.checkpoint import Checkpoint
from audiolm_jax.pretrained.families import FAMILIES

# By the kind that a part's configuration names.
MODULES = {
    'encodec': encodec.Encodec,
    'dac': dac.Dac,
    'mimi': mimi.Mimi,
    'wav2vec2': wav2vec2.Wav2Vec2,
    'w2v_bert_2': w2v_bert_2.W2vBert2,
}

# Functions from the checkpoint of a codec to its module and params.
_CODECS = {
    'encodec': encodec.convert,
    'dac': dac.convert,
    'mimi': mimi.convert,
}
# The same of what gives features, with what preprocessor_config.json says.
_FEATURES = {
    'wav2vec2': wav2vec2.convert,
    'w2v_bert_2': w2v_bert_2.convert,
}


def convert(
    name: str,
    checkpoint: Checkpoint,
    preprocessor: Mapping[str, Any] | None = None,
) -> tuple[nn.Module, PyTree]:
  """Module and params of a checkpoint.

  Raises:
    UserError: The checkpoint is of another family, or asks for something that
      is not supported.
  """
  family = FAMILIES[name]
  found = checkpoint.config.get('model_type')
  if found != family.model_type:
    known = [
        other for other, known in FAMILIES.items() if known.model_type == found
    ]
    hint = f'; use --family={known[0]}' if known else ''
    raise UserError(
        f'The checkpoint is of model_type {found!r}, --family={name} reads'
        f' {family.model_type!r}{hint}.'
    )
  if family.is_codec:
    return _CODECS[family.kind](checkpoint)
  return _FEATURES[family.kind](checkpoint, preprocessor)
