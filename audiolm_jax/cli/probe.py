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

from absl import flags

from audiolm_jax.cli import verb
from audiolm_jax.errors import UserError

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    'model',
    None,
    'A bundle (hf://ORG/NAME, too), a run or a checkpoint.',
    flag_values=FLAGS,
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
  # Late, so that --help need not wait for JAX.
  from audiolm_jax.cli.actions import probe

  probe.main(FLAGS)


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS)


if __name__ == '__main__':
  run()
