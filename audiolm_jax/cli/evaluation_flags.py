"""Flags of `audiolm evaluate` that say what is measured, and how much of it."""

from absl import flags

SECTIONS = (
    'generations',
    'tokenizers',
    'phones',
    'language_models',
    'recognition',
    'continuations',
    'pairs',
)

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
