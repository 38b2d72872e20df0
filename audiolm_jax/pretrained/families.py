"""The public models that `audiolm import` knows, by family."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from flax import linen as nn
from jaxtyping import PyTree

from audiolm_jax.errors import UserError
from audiolm_jax.pretrained import dac, encodec, mimi, w2v_bert_2, wav2vec2
from audiolm_jax.pretrained.checkpoint import Checkpoint

# By the kind that a part's configuration names.
MODULES = {
    'encodec': encodec.Encodec,
    'dac': dac.Dac,
    'mimi': mimi.Mimi,
    'wav2vec2': wav2vec2.Wav2Vec2,
    'w2v_bert_2': w2v_bert_2.W2vBert2,
}


class Family(NamedTuple):
  """A kind of public model, and how its checkpoints are read.

  Attributes:
    model_type: What their config.json says.
    kind: Kind of the module.
    part: Name of the part of a bundle that it becomes.
    convert: Checkpoint, and for features what preprocessor_config.json says, to
      module and params.
  """

  model_type: str
  kind: str
  part: str
  convert: Callable[..., tuple[nn.Module, PyTree]]


FAMILIES = {
    'encodec': Family(
        'encodec', 'encodec', 'acoustic_tokenizer', encodec.convert
    ),
    'dac': Family('dac', 'dac', 'acoustic_tokenizer', dac.convert),
    'mimi': Family('mimi', 'mimi', 'acoustic_tokenizer', mimi.convert),
    'hubert': Family(
        'hubert', 'wav2vec2', 'semantic_tokenizer', wav2vec2.convert
    ),
    'wav2vec2': Family(
        'wav2vec2', 'wav2vec2', 'semantic_tokenizer', wav2vec2.convert
    ),
    'w2v-bert-2.0': Family(
        'wav2vec2-bert', 'w2v_bert_2', 'semantic_tokenizer', w2v_bert_2.convert
    ),
}


def convert(
    name: str,
    checkpoint: Checkpoint,
    preprocessor: Mapping[str, Any] | None = None,
) -> tuple[nn.Module, PyTree]:
  """Module and params of a checkpoint.

  Raises:
    UserError: It is of another family, or asks for what is not supported.
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
  if family.part == 'acoustic_tokenizer':
    return family.convert(checkpoint)
  return family.convert(checkpoint, preprocessor)
