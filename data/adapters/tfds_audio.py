"""Writes any audio data set of TensorFlow Datasets as FLACs with a manifest.

Examples:
  audiolm corpus tfds corpora/librispeech --dataset=librispeech \\
      --splits=train=train_clean100,dev=dev_clean,test=test_clean
  audiolm corpus tfds corpora/libritts --dataset=libritts \\
      --splits=train=train_clean360,dev=dev_clean,test=test_clean

TFDS downloads what it does not have yet: all splits of a set (librispeech is 57
GiB), whichever are asked for. An interrupted build goes on where it stopped.
"""

import sys

from absl import flags

from audiolm_jax.cli import verb
from audiolm_jax.errors import UserError

FLAGS = flags.FlagValues()

flags.DEFINE_string(
    'dataset', None, 'Name in TFDS, such as libritts.', flag_values=FLAGS
)
flags.DEFINE_list(
    'splits',
    ['train=train'],
    'OURS=THEIRS pairs; THEIRS may be a slice such as train[:1%].',
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'data_dir', None, 'Where TFDS keeps its data.', flag_values=FLAGS
)
flags.DEFINE_integer(
    'sample_rate',
    None,
    'Sample rate of the audio in Hz, if TFDS does not tell.',
    lower_bound=1,
    flag_values=FLAGS,
)
flags.DEFINE_string(
    'licence', None, 'Terms, if TFDS does not tell.', flag_values=FLAGS
)


def main(argv: list[str]) -> None:
  if len(argv) != 2 or not FLAGS.dataset:
    raise UserError(
        'Give a folder and a data set: audiolm corpus tfds OUT'
        ' --dataset=NAME'
    )
  # Late, so that --help need not wait for what reads audio.
  from audiolm_jax.adapters.readers import tfds_audio

  tfds_audio.main(argv, FLAGS)


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS, sys.argv)


if __name__ == '__main__':
  run()
