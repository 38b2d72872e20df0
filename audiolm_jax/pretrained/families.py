"""The public models that `audiolm import` knows, by family."""

from typing import NamedTuple


class Family(NamedTuple):
  """A kind of public model.

  Attributes:
    model_type: Value of `model_type` in the config.json of its checkpoints.
    kind: Kind of the module, one of modules.MODULES.
    part: Name of the part of a bundle that it becomes.
  """

  model_type: str
  kind: str
  part: str

  @property
  def is_codec(self) -> bool:
    """Returns whether it makes acoustic tokens, and not features."""
    return self.part == 'acoustic_tokenizer'


FAMILIES = {
    'encodec': Family('encodec', 'encodec', 'acoustic_tokenizer'),
    'dac': Family('dac', 'dac', 'acoustic_tokenizer'),
    'mimi': Family('mimi', 'mimi', 'acoustic_tokenizer'),
    'hubert': Family('hubert', 'wav2vec2', 'semantic_tokenizer'),
    'wav2vec2': Family('wav2vec2', 'wav2vec2', 'semantic_tokenizer'),
    'w2v-bert-2.0': Family('wav2vec2-bert', 'w2v_bert_2', 'semantic_tokenizer'),
}
