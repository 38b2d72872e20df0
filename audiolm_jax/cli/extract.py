"""Turns audio into a token store, which the language models learn from.

Examples:
  audiolm extract --input=corpus/manifest.jsonl --model=tokenizers \\
      --output_dir=tokens
  audiolm extract --input='clips/**/*.flac' --model=speech --output_dir=tokens
  audiolm extract --input=/nfs/manifest.jsonl --model=/nfs/tokenizers \\
      --output_dir=/nfs/tokens -- --runner=SparkRunner
  audiolm extract --input=corpus/manifest.jsonl --model=speech \\
      --semantic_speeds=0.85,0.93,1.08,1.18 --output_dir=voiceless

--input is a manifest (JSON lines) or a glob of audio files, about every tenth
of which, and one at least, is held out as `dev` by its name, unless --split
names one for all; it may be repeated. This process does it all, unless options
of Apache Beam follow `--`: its workers must see the same files. A run that was
killed, or whose clips could not all be read, goes on where it was when it is
started again.

Exit code 1: some clips could not be read and were left out; 2: nothing done.
"""

from absl import flags

from audiolm_jax.cli import verb
from audiolm_jax.errors import UserError

FLAGS = flags.FlagValues()
flags.DEFINE_multi_string(
    'input', [], 'Manifest or glob of audio.', flag_values=FLAGS
)
flags.DEFINE_string(
    'model',
    None,
    'Bundle with the tokenizers: a folder, a name or hf://ORG/NAME.',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'output_dir', None, 'Folder of the token store.', flag_values=FLAGS
)
flags.DEFINE_string(
    'split',
    None,
    'Only this split of manifests; of a glob, the split of all its files.',
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'num_shards',
    None,
    'Files a split; by default one for ten minutes of audio.',
    lower_bound=1,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'batch_size',
    16,
    'Clips tokenized together.',
    lower_bound=1,
    flag_values=FLAGS,
)
flags.DEFINE_list(
    'semantic_speeds',
    [],
    'Speeds, of which two are drawn for each clip: its semantic tokens are'
    ' those of the clip played at one and the other by turns, on its own time.'
    ' They do not tell the voice, so that SoundStorm, or a coarse stage, learns'
    ' to take it from the prompt. The semantic stage learns from a store'
    ' without.',
    flag_values=FLAGS,
)


def main(argv: list[str]) -> int:
  if not (FLAGS.input and FLAGS.model and FLAGS.output_dir):
    raise UserError('Give --input, --model and --output_dir.')
  # Late, so that --help need not wait for JAX.
  from audiolm_jax.cli.actions import extract

  return extract.main(argv, FLAGS)


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS)


if __name__ == '__main__':
  run()
