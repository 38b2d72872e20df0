"""Puts trained parts into one folder that needs nothing but itself.

Examples:
  audiolm bundle runs/soundstream runs/semantic_tokenizer \\
      --output_dir=tokenizers
  audiolm bundle tokenizers runs/semantic runs/coarse runs/fine \\
      runs/soundstorm --output_dir=my_model --manifest=corpus/manifest.jsonl
  audiolm bundle runs/soundstorm/checkpoints/3000 --base=speech \\
      --output_dir=speech_with_my_soundstorm

Each argument is the folder of a training run, or a bundle whose parts are taken
over; none is required. The parts must belong together: what predicts tokens is
refused beside tokenizers that did not write them. Extract tokens with the
bundle of the tokenizers, and the fingerprints will fit.

--base names a bundle whose parts are taken where no argument has one, stored as
they were there; MODEL_CARD.md then says what that bundle heard, too.

--manifest (may be repeated) lets MODEL_CARD.md say what the model heard, and
under which licences; a model that is passed on needs this.
"""

from absl import flags

from audiolm_jax.bundle.names import HALVED, PARTS
from audiolm_jax.cli import verb
from audiolm_jax.errors import UserError

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    'output_dir', None, 'Where the bundle goes.', flag_values=FLAGS
)
flags.DEFINE_string(
    'base',
    None,
    'Bundle, by its folder or name, whose parts the arguments replace.',
    flag_values=FLAGS,
)
flags.DEFINE_list(
    'float16',
    list(HALVED),
    'Parts that are stored in half the room. Rounding changes the tokens of'
    ' tokenizers: do it before extraction or not at all.',
    flag_values=FLAGS,
)
flags.DEFINE_list(
    'int8',
    [],
    'Parts that are stored in a quarter of the room, with more rounding.',
    flag_values=FLAGS,
)
flags.DEFINE_multi_string(
    'manifest',
    [],
    'Corpus whose training split the model heard.',
    flag_values=FLAGS,
)
flags.DEFINE_list(
    'temperatures',
    [],
    'Temperatures that models are best sampled at, as part=number:'
    ' semantic=0.9,soundstorm=0.6. Others keep what they bring.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'notes', None, 'Text file that ends the model card.', flag_values=FLAGS
)


def main(argv: list[str]) -> None:
  if not argv[1:] or not FLAGS.output_dir:
    raise UserError('Give the folders of the parts, and --output_dir.')
  for flag in ('float16', 'int8'):
    unknown = sorted(set(FLAGS[flag].value) - set(PARTS))
    if unknown:
      raise UserError(f'--{flag}={unknown[0]}: parts are {", ".join(PARTS)}.')
  # Late, so that --help need not wait for JAX.
  from audiolm_jax.cli.actions import bundle

  bundle.main(argv, FLAGS)


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS)


if __name__ == '__main__':
  run()
