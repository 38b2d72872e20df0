"""Lets a model learn on from your own recordings, and bundles what it learnt.

Examples:
  audiolm finetune --model=speech --input='my clips/*.wav' --output_dir=mine
  audiolm finetune --model=piano --input=corpus/manifest.jsonl --steps=1000 \\
      --output_dir=mine

It does what `audiolm corpus`, `extract`, `train` and `bundle` do, one after the
other, and prints each of these commands, so that any of them can be changed and
run by hand. The tokenizers stay as they are; of each part the step with the
lowest loss on the files that are held out is taken. OUTPUT_DIR becomes a bundle
for `audiolm generate --model=OUTPUT_DIR`; its folder `training` has the tokens
and the runs. The same command goes on where it was stopped.

--input is a folder, a glob of audio files or a manifest (JSON lines), and may
be repeated. Three files are enough; minutes of audio are little, hours better.

Exit codes: as of `audiolm train`.
"""

from absl import flags

from audiolm_jax.bundle.names import PREDICTORS
from audiolm_jax.cli import verb
from audiolm_jax.errors import UserError

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    'model',
    'speech',
    'Bundle that is started from, by its folder or its name.',
    flag_values=FLAGS,
)
flags.DEFINE_multi_string(
    'input', [], 'Folder, glob of audio or manifest.', flag_values=FLAGS
)
flags.DEFINE_string(
    'output_dir', None, 'Folder that becomes the new bundle.', flag_values=FLAGS
)
flags.DEFINE_string(
    'licence',
    'unknown',
    'Licence of the recordings, which the model card names.',
    flag_values=FLAGS,
)
flags.DEFINE_list(
    'parts',
    None,
    'Parts that learn. By default the semantic stage, which says what comes'
    ' next, and SoundStorm, which says how it sounds; without a SoundStorm the'
    ' coarse and the fine stage.',
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'steps',
    300,
    'Number of training steps of each part.',
    lower_bound=1,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'batch_size',
    8,
    'Crops of the recordings a step.',
    lower_bound=1,
    flag_values=FLAGS,
)
flags.DEFINE_float(
    'learning_rate',
    3e-4,
    'Highest learning rate, which is reached after a tenth of the steps.',
    lower_bound=0.0,
    flag_values=FLAGS,
)


def main(argv: list[str]) -> int:
  if len(argv) > 1:
    raise UserError(f'{argv[1]!r} is not a flag; see audiolm finetune --help.')
  if not (FLAGS.input and FLAGS.output_dir):
    raise UserError('Give --input and --output_dir.')
  unknown = sorted(set(FLAGS.parts or ()) - set(PREDICTORS))
  if unknown:
    raise UserError(
        f'--parts={unknown[0]}: parts that learn are {", ".join(PREDICTORS)}.'
    )
  # Late, so that --help need not wait for JAX.
  from audiolm_jax.cli.actions import finetune

  return finetune.main(FLAGS)


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS)


if __name__ == '__main__':
  run()
