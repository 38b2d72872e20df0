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
    'num_batches': (40, 'Batches for each stage.'),
    'batch_size': (4, 'Crops in each of them.'),
    'num_prompts': (8, 'Clips to continue, and to regenerate.'),
    'samples_per_prompt': (2, 'Continuations of each, by each model.'),
    'generation_batch_size': (16, 'Made at the same time.'),
    'num_pairs': (100, 'Minimal pairs of each kind.'),
    'seed': (0, 'Of what is generated and of the intervals.'),
}
_FLOATS = {
    'max_seconds': (8.0, 'How much of a clip is read.'),
    'labelled_seconds': (
        60.0,
        'How much of a clip with labels is read to compare with them.',
    ),
    'prompt_seconds': (3.0, 'What a model hears.'),
    'continuation_seconds': (7.0, 'What it adds.'),
}


def define(values: flags.FlagValues) -> None:
  """Adds the flags."""
  for name, (default, about) in _INTEGERS.items():
    least = 0 if name == 'seed' else 1
    flags.DEFINE_integer(name, default, about, least, flag_values=values)
  for name, (default, about) in _FLOATS.items():
    flags.DEFINE_float(name, default, about, 0.1, flag_values=values)


def sizes(values: flags.FlagValues) -> Sizes:
  """How many clips are read."""
  fields = dataclasses.fields(Sizes)
  return Sizes(**{field.name: values[field.name].value for field in fields})


def asked(values: flags.FlagValues) -> Asked:
  """What is generated."""
  return Asked(
      values.num_prompts,
      values.samples_per_prompt,
      values.prompt_seconds,
      values.continuation_seconds,
      values.generation_batch_size,
      values.seed,
  )
