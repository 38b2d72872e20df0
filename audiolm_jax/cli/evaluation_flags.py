"""Flags of `audiolm evaluate` that say how much is measured."""

import dataclasses

from absl import flags

from audiolm_jax.evaluation.sections.measuring import Sizes
from audiolm_jax.evaluation.subjects.comparison import Asked

_INTEGERS = {
    'num_clips': (12, 'Clips to decode and compare.'),
    'num_counted_clips': (40, 'Clips to count codes of.'),
    'num_labelled_clips': (60, 'Clips to compare with labels.'),
    'num_training_clips': (400, "Clips for the MFCCs' k-means."),
    'num_batches': (40, 'Number of batches for each stage.'),
    'batch_size': (4, 'Number of crops in each batch.'),
    'num_prompts': (8, 'Clips to continue, and to regenerate.'),
    'samples_per_prompt': (
        2,
        'Number of continuations of each prompt by each model.',
    ),
    'generation_batch_size': (16, 'Number of samples made at the same time.'),
    'num_pairs': (100, 'Number of minimal pairs of each kind.'),
    'seed': (0, 'Seed of what is generated and of the intervals.'),
}
_FLOATS = {
    'max_seconds': (8.0, 'Seconds of a clip that are read.'),
    'labelled_seconds': (
        60.0,
        'Seconds of a clip with labels that are read and compared with them.',
    ),
    'prompt_seconds': (3.0, 'Seconds of a recording that a model continues.'),
    'continuation_seconds': (7.0, 'Seconds that it adds.'),
}


def define(values: flags.FlagValues) -> None:
  """Adds the flags."""
  for name, (default, about) in _INTEGERS.items():
    least = 0 if name == 'seed' else 1
    flags.DEFINE_integer(name, default, about, least, flag_values=values)
  for name, (default, about) in _FLOATS.items():
    flags.DEFINE_float(name, default, about, 0.1, flag_values=values)


def sizes(values: flags.FlagValues) -> Sizes:
  """Numbers of clips that are read."""
  fields = dataclasses.fields(Sizes)
  return Sizes(**{field.name: values[field.name].value for field in fields})


def asked(values: flags.FlagValues) -> Asked:
  """Number and length of what is generated."""
  return Asked(
      values.num_prompts,
      values.samples_per_prompt,
      values.prompt_seconds,
      values.continuation_seconds,
      values.generation_batch_size,
      values.seed,
  )
