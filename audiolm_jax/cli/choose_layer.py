"""Compares the layers of a model as sources of semantic tokens; takes the best.

Examples:
  audiolm choose-layer --model=runs/w2v_bert \\
      --manifest='corpora/speech/*.jsonl' --output_dir=runs/semantic_tokenizer
  audiolm choose-layer --model=imported_hubert --layers=6,7,8,9 \\
      --num_clusters=500,1024 --manifest='corpora/speech/*.jsonl' \\
      --output_dir=runs/semantic_tokenizer

For every layer and every number of clusters it fits k-means on random crops,
and measures on held-out clips with labels how well the ids tell phones or notes
apart: ABX within and across speakers, PNMI (AudioLM s. IV-B, where block 7 and
1024 clusters won). python -m data.shipped.phones makes clips with phone times
of several speakers. The best is written as a bundle of the semantic tokenizer,
with the table in its card, layers.json and layers.png.
"""

from absl import flags

from audiolm_jax.cli import feature_flags, verb
from audiolm_jax.errors import UserError

FLAGS = flags.FlagValues()
feature_flags.define(FLAGS, hours=2.0)
flags.DEFINE_string(
    'output_dir',
    None,
    'Folder that gets the bundle and the comparison.',
    flag_values=FLAGS,
)
flags.DEFINE_list(
    'layers',
    [],
    'Layers to compare, as 6,7,8; all of them if none is named.',
    flag_values=FLAGS,
)
flags.DEFINE_list(
    'num_clusters',
    ['1024'],
    'Numbers of clusters to compare, as 512,1024.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'labelled_split',
    'dev',
    'Split of the manifest whose clips with labels the layers are compared on.',
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'num_labelled_clips',
    120,
    'Largest number of labelled clips that are read.',
    lower_bound=1,
    flag_values=FLAGS,
)
flags.DEFINE_float(
    'labelled_seconds',
    20.0,
    'Seconds that are read of each labelled clip.',
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    'plots', True, 'Whether layers.png is drawn.', flag_values=FLAGS
)


def main(argv: list[str]) -> None:
  if len(argv) > 1:
    raise UserError(
        f'{argv[1]!r} is not a flag; see audiolm choose-layer --help.'
    )
  if not (FLAGS.model and FLAGS.manifest and FLAGS.output_dir):
    raise UserError('Give --model, --manifest and --output_dir.')
  if not FLAGS.num_clusters:
    raise UserError('--num_clusters is empty; give one or more, as 512,1024.')
  # Late, so that --help need not wait for JAX.
  from audiolm_jax.cli.actions import choose_layer

  choose_layer.main(FLAGS)


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS)


if __name__ == '__main__':
  run()
