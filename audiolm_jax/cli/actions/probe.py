"""Judges semantic tokens, as the flags of `audiolm probe` say."""

import pathlib

from absl import flags

from audiolm_jax import corpus, files
from audiolm_jax.bundle import parts
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.cli import compilation
from audiolm_jax.evaluation import tables
from audiolm_jax.evaluation.sections import semantic_ids
from audiolm_jax.evaluation.sections.semantic_ids import Asked
from audiolm_jax.tokens.tokenizers.contract import SemanticTokenizer
from audiolm_jax.training.checkpoints import loading


def main(values: flags.FlagValues) -> None:
  folder = files.writable(values.output_dir) if values.output_dir else None
  compilation.keep_compiled()
  semantic = load(values.model)
  held_out = corpus.read_manifest(values.manifest, values.split)
  labelled = [clip for clip in held_out if clip.labels]
  if labelled:
    table = semantic_ids.phones(semantic, labelled, values.num_labelled_clips)
    print(tables.markdown(table), flush=True)
  if values.cpu_minutes:
    training = corpus.read_manifest(values.manifest, 'train')
    asked = Asked(
        values.cpu_minutes, values.num_clips, values.language, values.seed
    )
    table = semantic_ids.speaking(semantic, training, held_out, asked, folder)
    print(tables.markdown(table), flush=True)


def load(path: str) -> SemanticTokenizer:
  """The semantic tokenizer of a bundle, of a run or of a checkpoint of it."""
  folder = pathlib.Path(path)
  if not folder.is_dir() or (folder / 'bundle.json').is_file():
    return Bundle.load(path).semantic
  name, part = parts.from_checkpoint(loading.load_params(path))
  return Bundle({name: part}, path).semantic
