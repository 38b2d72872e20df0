"""Fits the k-means that turns a model's features into semantic tokens.

Examples:
  audiolm cluster --model=runs/w2v_bert --manifest=corpus/manifest.jsonl \\
      --output_dir=runs/semantic_tokenizer
  audiolm cluster --model=imported_hubert --manifest=corpus/manifest.jsonl \\
      --output_dir=runs/semantic_tokenizer --layer=7 --num_clusters=1024 \\
      --hours=50

AudioLM takes block 7 of the masked-prediction half and 1024 clusters, after
normalizing every dimension of the features (s. III-B, IV-B). Writes a bundle of
the semantic tokenizer alone; `audiolm bundle` joins it with a codec.
"""

from absl import flags

from audiolm_jax.cli import feature_flags, verb
from audiolm_jax.errors import UserError

FLAGS = flags.FlagValues()
feature_flags.define(FLAGS, hours=10.0)
flags.DEFINE_string(
    'output_dir', None, 'Folder that gets the bundle.', flag_values=FLAGS
)
flags.DEFINE_integer(
    'layer',
    7,
    'Block whose output is clustered; of w2v-BERT, block of the'
    ' masked-prediction half, and 0 the contrastive half.',
    lower_bound=0,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'num_clusters',
    1024,
    'Number of semantic ids.',
    lower_bound=1,
    flag_values=FLAGS,
)


def main(argv: list[str]) -> None:
  if len(argv) > 1:
    raise UserError(f'{argv[1]!r} is not a flag; see audiolm cluster --help.')
  if not (FLAGS.model and FLAGS.manifest and FLAGS.output_dir):
    raise UserError('Give --model, --manifest and --output_dir.')
  # Late, so that --help need not wait for JAX.
  from audiolm_jax.cli.actions import cluster

  cluster.main(FLAGS)


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS)


if __name__ == '__main__':
  run()
