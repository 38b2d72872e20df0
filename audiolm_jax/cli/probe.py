"""Judges semantic tokens: can one speak from them, and do they tell phones?

Examples:
  audiolm probe --model=runs/semantic_vq --manifest='corpora/speech/*.jsonl'
  audiolm probe --model=speech --manifest='corpora/speech/*.jsonl' \\
      --cpu_minutes=5 --output_dir=spoken

The model is a bundle with a semantic tokenizer, or a training run that needs no
clustering. A small decoder learns for some CPU-minutes, on the training split,
to speak from the ids and a voice; it then speaks held-out clips, and a
recogniser says how many of their words are wrong, beside the recordings' own.
Clips with phone times (python -m data.shipped.phones makes them) also give PNMI
and ABX of the ids. Compare tokenizers at the same minutes and clips.
"""

import pathlib

from absl import flags

from audiolm_jax import corpus, files
from audiolm_jax.bundle import parts
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.cli import compilation, verb
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation import tables
from audiolm_jax.evaluation.sections import semantic_ids
from audiolm_jax.evaluation.sections.semantic_ids import Asked
from audiolm_jax.tokens.tokenizers.contract import SemanticTokenizer
from audiolm_jax.training.checkpoints import loading

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    'model', None, 'A bundle, a run or a checkpoint.', flag_values=FLAGS
)
flags.DEFINE_string(
    'manifest',
    None,
    'Manifest of the corpus; may be a glob.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'split', 'test', 'Split whose clips are judged.', flag_values=FLAGS
)
flags.DEFINE_float(
    'cpu_minutes',
    5.0,
    'CPU-minutes that the decoder learns for; 0 leaves speaking out.',
    lower_bound=0.0,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'num_clips',
    16,
    'Number of clips that are recognised.',
    lower_bound=1,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'num_labelled_clips',
    80,
    'Largest number of clips with phone times.',
    lower_bound=1,
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'language',
    'en',
    'Language of the clips that are recognised.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'output_dir', None, 'Folder that gets what was spoken.', flag_values=FLAGS
)
flags.DEFINE_integer(
    'seed', 0, 'Seed of all random choices.', flag_values=FLAGS
)


def main(argv: list[str]) -> None:
  if len(argv) > 1 or not (FLAGS.model and FLAGS.manifest):
    raise UserError('Give --model and --manifest; see audiolm probe --help.')
  folder = files.writable(FLAGS.output_dir) if FLAGS.output_dir else None
  compilation.keep_compiled()
  semantic = load(FLAGS.model)
  held_out = corpus.read_manifest(FLAGS.manifest, FLAGS.split)
  labelled = [clip for clip in held_out if clip.labels]
  if labelled:
    table = semantic_ids.phones(semantic, labelled, FLAGS.num_labelled_clips)
    print(tables.markdown(table), flush=True)
  if FLAGS.cpu_minutes:
    training = corpus.read_manifest(FLAGS.manifest, 'train')
    asked = Asked(
        FLAGS.cpu_minutes, FLAGS.num_clips, FLAGS.language, FLAGS.seed
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


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS)


if __name__ == '__main__':
  run()
