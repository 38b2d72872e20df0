"""Takes over a public codec or speech model, as a part for `audiolm bundle`.

Examples:
  audiolm import --family=encodec --checkpoint=encodec_24khz --output_dir=codec
  audiolm import --family=hubert --checkpoint=hubert-base-ls960 --layer=9 \\
      --kmeans=hubert_base_ls960_L9_km500.bin --output_dir=hubert
  audiolm bundle codec hubert --output_dir=tokenizers

--checkpoint is a folder in the format of Hugging Face (config.json and
model.safetensors), or its .safetensors file. Families: encodec, dac, mimi are
codecs; hubert, wav2vec2 and w2v-bert-2.0 give features, which become semantic
tokens by --layer and --kmeans, a file of centroids (fairseq's, .npy or
.safetensors), or by `audiolm cluster` on what this writes.
"""

from absl import flags

from audiolm_jax.cli import verb
from audiolm_jax.errors import UserError
from audiolm_jax.pretrained.families import FAMILIES

FLAGS = flags.FlagValues()
flags.DEFINE_enum(
    'family', None, list(FAMILIES), 'Which kind of model.', flag_values=FLAGS
)
flags.DEFINE_string(
    'checkpoint', None, 'Folder, or .safetensors file.', flag_values=FLAGS
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
    'kmeans', None, 'Centroids of that layer.', flag_values=FLAGS
)


def main(argv: list[str]) -> None:
  _check_flags(argv)
  # Late, so that --help need not wait for JAX.
  from audiolm_jax.cli.actions import import_

  import_.main(FLAGS)


def _check_flags(argv: list[str]) -> None:
  if len(argv) > 1:
    raise UserError(f'{argv[1]!r} is not a flag; see audiolm import --help.')
  if not (FLAGS.family and FLAGS.checkpoint and FLAGS.output_dir):
    raise UserError('Give --family, --checkpoint and --output_dir.')
  if bool(FLAGS.kmeans) != (FLAGS.layer is not None):
    raise UserError('--kmeans and --layer belong together; give both.')
  if FLAGS.kmeans and FAMILIES[FLAGS.family].is_codec:
    raise UserError(f'{FLAGS.family} is a codec: it takes no --kmeans.')


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS)


if __name__ == '__main__':
  run()
