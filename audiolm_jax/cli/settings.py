"""The flags of `audiolm generate` that decide what is heard."""

from absl import flags

from audiolm_jax.cli.modes import CONTINUATION, MODES
from audiolm_jax.generation.kinds import KINDS
from audiolm_jax.lm.sampling.weight_types import TYPES


def define(values: flags.FlagValues) -> None:
  """Adds the flags."""
  flags.DEFINE_enum(
      'mode',
      CONTINUATION,
      MODES,
      'Kind of task: a continuation, acoustic generation or no prompt at all.',
      flag_values=values,
  )
  flags.DEFINE_enum(
      'acoustics',
      None,
      KINDS,
      'Model that makes the sound of semantic tokens: parallel is SoundStorm,'
      ' all frames at once, and the default where the model has one;'
      ' autoregressive are the coarse and the fine stage; acoustic_only goes on'
      ' without semantic tokens.',
      flag_values=values,
  )
  flags.DEFINE_enum(
      'weights',
      'full',
      TYPES,
      "How the stages' weights are kept while sampling: of the type that they"
      ' compute in, or in fewer bytes, which large models read faster.',
      flag_values=values,
  )
  _define_sizes(values)
  _define_samplings(values)
  flags.DEFINE_bool(
      'keep_prompt',
      None,
      'Whether a continuation begins with the prompt itself, as it does by'
      " default, or with the codec's copy of it.",
      flag_values=values,
  )
  flags.DEFINE_string(
      'voice',
      None,
      'A recording of who shall say or play it; of its first --prompt_seconds.',
      flag_values=values,
  )
  flags.DEFINE_bool(
      'stop_at_end',
      False,
      'Lets the model say that a recording is over before all is generated.',
      flag_values=values,
  )


def _define_sizes(values: flags.FlagValues) -> None:
  flags.DEFINE_float(
      'prompt_seconds',
      3.0,
      'Seconds of each file that are the prompt.',
      lower_bound=0,
      flag_values=values,
  )
  flags.DEFINE_float(
      'continuation_seconds',
      7.0,
      'Seconds to generate.',
      lower_bound=0,
      flag_values=values,
  )
  flags.DEFINE_integer(
      'seed', 0, 'Seed of the random choices.', flag_values=values
  )


def _define_samplings(values: flags.FlagValues) -> None:
  flags.DEFINE_list(
      'temperatures',
      None,
      'Temperatures of the semantic, coarse and fine stage, or one for all; 0'
      " takes what is most likely. By default the bundle's, else AudioLM's 0.6,"
      ' 0.8 and 0.6.',
      flag_values=values,
  )
  flags.DEFINE_float(
      'soundstorm_temperature',
      None,
      'Temperature of SoundStorm; 0 takes what is most likely. By default the'
      " bundle's, else 1.",
      flag_values=values,
  )
  flags.DEFINE_list(
      'top_k',
      ['0'],
      'Only so many most likely tokens are chosen from; 0 for all. One for each'
      ' stage, or one for all.',
      flag_values=values,
  )
  flags.DEFINE_list(
      'top_p',
      ['1'],
      'Only the most likely tokens that have this probability together are'
      ' chosen from; 1 for all. One for each stage, or one for all.',
      flag_values=values,
  )
