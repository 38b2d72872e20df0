"""Takes over a public codec or speech model, or a stage that t5x trained.

What it writes is a part for `audiolm bundle`.

Examples:
  audiolm import --family=encodec --checkpoint=encodec_24khz --output_dir=codec
  audiolm import --family=hubert --checkpoint=hubert-base-ls960 --layer=9 \\
      --kmeans=hubert_base_ls960_L9_km500.bin --output_dir=hubert
  audiolm bundle codec hubert --output_dir=tokenizers
  audiolm import --family=t5x --checkpoint=runs/coarse --output_dir=coarse

--checkpoint is a folder in the format of Hugging Face (config.json and
model.safetensors), or its .safetensors file. Families: encodec, dac, mimi are
codecs; hubert, wav2vec2 and w2v-bert-2.0 give features, which become semantic
tokens by --layer and --kmeans, a file of centroids (fairseq's, .npy or
.safetensors), or by `audiolm cluster` on what this writes. t5x's is the
MODEL_DIR of its run, or a folder checkpoint_STEP in it; stage.json beside it,
which gin/t5x.gin has written there, says which stage it is.
"""

from absl import flags

from audiolm_jax.cli import verb
from audiolm_jax.errors import UserError
from audiolm_jax.pretrained.families import FAMILIES

# A trainer, where the others are models.
T5X = 't5x'

FLAGS = flags.FlagValues()
flags.DEFINE_enum(
    'family',
    None,
    [*FAMILIES, T5X],
    'Family of public models that the weights belong to.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'checkpoint',
    None,
    "Folder, or .safetensors file; of t5x its run's MODEL_DIR.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'output_dir', None, 'Folder that gets the bundle.', flag_values=FLAGS
)
flags.DEFINE_integer(
    'layer',
    None,
    'Block whose output is clustered: 0 is what the first block gets.',
    lower_bound=0,
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'kmeans',
    None,
    'File with the k-means centroids of that layer.',
    flag_values=FLAGS,
)


def main(argv: list[str]) -> None:
  _check_flags(argv)
  # Late, so that --help need not wait for JAX.
  if FLAGS.family == T5X:
    from audiolm_jax.cli.actions import import_t5x as import_
  else:
    from audiolm_jax.cli.actions import import_

  import_.main(FLAGS)


def _check_flags(argv: list[str]) -> None:
  if len(argv) > 1:
    raise UserError(f'{argv[1]!r} is not a flag; see audiolm import --help.')
  if not (FLAGS.family and FLAGS.checkpoint and FLAGS.output_dir):
    raise UserError('Give --family, --checkpoint and --output_dir.')
  if bool(FLAGS.kmeans) != (FLAGS.layer is not None):
    raise UserError('--kmeans and --layer belong together; give both.')
  if FLAGS.kmeans and FLAGS.family == T5X:
    raise UserError('t5x trains stages: they take no --kmeans.')
  if FLAGS.kmeans and FAMILIES[FLAGS.family].is_codec:
    raise UserError(f'{FLAGS.family} is a codec: it takes no --kmeans.')


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS)


if __name__ == '__main__':
  run()
