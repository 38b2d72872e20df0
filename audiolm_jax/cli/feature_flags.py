"""Flags of the verbs that draw features: which model, and how much audio."""

from absl import flags


def define(values: flags.FlagValues, hours: float) -> None:
  """Adds the flags.

  Args:
    values: The flags of a verb.
    hours: Hours of audio that are drawn by default.
  """
  flags.DEFINE_string(
      'model',
      None,
      'Folder of a training run of w2v-BERT, of what audiolm import wrote, or'
      ' of a bundle.',
      flag_values=values,
  )
  flags.DEFINE_string(
      'manifest', None, 'Audio to cluster; may be a glob.', flag_values=values
  )
  flags.DEFINE_string(
      'split', 'train', 'Split of the manifest.', flag_values=values
  )
  flags.DEFINE_float(
      'hours',
      hours,
      'Hours of audio that are drawn, at most all of it.',
      lower_bound=0,
      flag_values=values,
  )
  flags.DEFINE_float(
      'crop_seconds',
      10.0,
      'Length of a crop, in seconds.',
      lower_bound=0.1,
      flag_values=values,
  )
  flags.DEFINE_integer(
      'batch_size',
      16,
      'Number of crops heard at a time.',
      lower_bound=1,
      flag_values=values,
  )
  flags.DEFINE_integer(
      'seed', 0, 'Seed of the random choices.', flag_values=values
  )
