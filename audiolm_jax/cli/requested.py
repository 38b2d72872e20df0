"""The request that the flags of settings.py make."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from absl import flags

from audiolm_jax.cli.modes import (
    ACOUSTIC_GENERATION,
    CONTINUATION,
    UNCONDITIONAL,
)
from audiolm_jax.cli.request import Request
from audiolm_jax.errors import UserError
from audiolm_jax.generation.chain import AUDIOLM, Samplings
from audiolm_jax.lm.sampling.methods import Sampling

# Semantic, coarse and fine.
_NUM_STAGES = 3
# Flags that make sense in some modes only.
_MODES_OF = {
    'keep_prompt': (CONTINUATION,),
    'voice': (ACOUSTIC_GENERATION,),
    'stop_at_end': (CONTINUATION, UNCONDITIONAL),
}


def request(values: flags.FlagValues) -> Request:
  """The request that the flags make.

  Raises:
    UserError: The flags make no sense, by themselves or together.
  """
  _check_mode(values)
  _check_sizes(values)
  return Request(
      mode=values.mode,
      prompt_seconds=values.prompt_seconds,
      continuation_seconds=values.continuation_seconds,
      seed=values.seed,
      samplings=_samplings(values),
      temperatures=_temperatures(values),
      keep_prompt=_keep_prompt(values),
      voice=values.voice,
      stop_at_end=values.stop_at_end,
      acoustics=values.acoustics,
      weights=values.weights,
  )


def _check_mode(values: flags.FlagValues) -> None:
  for name, modes in _MODES_OF.items():
    if values[name].value and values.mode not in modes:
      raise UserError(
          f'--{name} is for --mode={" or ".join(modes)}, not for'
          f' {values.mode}.'
      )


def _keep_prompt(values: flags.FlagValues) -> bool:
  """Whether the prompt is kept: by default in a continuation, which has one."""
  if values.keep_prompt is None:
    return values.mode == CONTINUATION
  return values.keep_prompt


def _check_sizes(values: flags.FlagValues) -> None:
  for name in ('prompt_seconds', 'continuation_seconds'):
    if not math.isfinite(values[name].value):
      raise UserError(f'--{name}={values[name].value}: give a finite number.')
  if not values.prompt_seconds and values.mode == CONTINUATION:
    raise UserError(
        '--prompt_seconds=0 leaves nothing to continue; --mode=unconditional'
        ' begins from nothing.'
    )
  if not values.prompt_seconds and values.voice:
    raise UserError(
        '--prompt_seconds=0 leaves nothing of --voice; give it some seconds.'
    )
  if not values.continuation_seconds and values.mode != ACOUSTIC_GENERATION:
    raise UserError('--continuation_seconds=0: there is nothing to do.')


def _samplings(values: flags.FlagValues) -> Samplings:
  chosen = zip(
      _of_stages('top_k', values.top_k, int),
      _of_stages('top_p', values.top_p, float),
      strict=True,
  )
  stages = [
      sampling._replace(top_k=top_k, top_p=top_p).check()
      for sampling, (top_k, top_p) in zip(AUDIOLM, chosen, strict=False)
  ]
  return Samplings(*stages)


def _temperatures(values: flags.FlagValues) -> dict[str, float]:
  """The temperatures that are given, by model."""
  given = {}
  if values.temperatures is not None:
    numbers = _of_stages('temperatures', values.temperatures, float)
    given = dict(zip(Samplings._fields, numbers, strict=False))
  if values.soundstorm_temperature is not None:
    given['soundstorm'] = values.soundstorm_temperature
  for temperature in given.values():
    Sampling(temperature).check()
  return given


def _of_stages(
    name: str, texts: Sequence[str], number: Callable[[str], Any]
) -> list[Any]:
  """A number for each stage."""
  given = f'--{name}={",".join(texts)}'
  try:
    numbers = [number(text) for text in texts]
  except ValueError as error:
    what = 'whole numbers' if number is int else 'numbers'
    raise UserError(f'{given}: give {what}.') from error
  if len(numbers) not in (1, _NUM_STAGES):
    raise UserError(f'{given}: give one number, or three.')
  if not all(map(math.isfinite, numbers)):
    raise UserError(f'{given}: give finite numbers.')
  return numbers * (_NUM_STAGES // len(numbers))
