"""The request to the model: the settings of a run of `audiolm generate`."""

import types
from collections.abc import Mapping
from typing import NamedTuple

from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.cli.manifests import Line
from audiolm_jax.cli.modes import ACOUSTIC_GENERATION, CONTINUATION
from audiolm_jax.cli.plan import Job
from audiolm_jax.generation import chain
from audiolm_jax.generation.audiolm import AudioLM
from audiolm_jax.generation.chain import Samplings

# Seconds; what is generated beyond does not fit every memory.
LONGEST_AT_ONCE = 60.0


class Request(NamedTuple):
  """Settings that all samples of a run share.

  Attributes:
    mode: One of modes.MODES.
    prompt_seconds: Most seconds of each file that are the prompt.
    continuation_seconds: Length of what is generated, in seconds.
    seed: Seed of the randomness.
    samplings: Sampling settings of the models, but for the temperatures.
    keep_prompt: Whether a continuation begins with the prompt itself.
    voice: A recording of who shall say it, its first `prompt_seconds` that is.
    stop_at_end: Whether less is generated where the model says it is over.
    acoustics: One of kinds.KINDS; None leaves it to the model.
    weights: Type that the stages' matrices are kept in, one of
      weight_types.TYPES.
    temperatures: Temperatures asked for, by model; others are the bundle's.
  """

  mode: str
  prompt_seconds: float
  continuation_seconds: float
  seed: int
  samplings: Samplings
  keep_prompt: bool = False
  voice: str | None = None
  stop_at_end: bool = False
  acoustics: str | None = None
  weights: str = 'full'
  temperatures: Mapping[str, float] = types.MappingProxyType({})

  def resolved(self, bundle: Bundle) -> 'Request':
    """The request with the bundle's ways where none are asked for."""
    temperatures = bundle.temperatures | dict(self.temperatures)
    return self._replace(
        acoustics=self.acoustics or chain.preferred(bundle),
        samplings=chain.at_temperatures(self.samplings, temperatures),
        temperatures=temperatures,
    )

  def model(self, bundle: Bundle) -> AudioLM:
    """The model that does it, once the request is `resolved`.

    Raises:
      UserError: The bundle lacks a part.
    """
    made_by = chain.CHAINS[self.acoustics]
    return AudioLM(bundle, made_by(bundle, self.samplings, self.stop_at_end))

  @property
  def seconds_read(self) -> float:
    """Returns how much of a file is looked at."""
    if self.mode == ACOUSTIC_GENERATION:
      return self.prompt_seconds + self.continuation_seconds
    return self.prompt_seconds

  @property
  def seconds_added(self) -> float:
    """Returns how much longer a sample is than what was read."""
    return (
        0.0 if self.mode == ACOUSTIC_GENERATION else self.continuation_seconds
    )

  @property
  def is_long(self) -> bool:
    """Returns whether it is written while it is made.

    Settings alone decide: the last bit of a sample may depend on it.
    """
    return self.seconds_added > LONGEST_AT_ONCE

  def settings(self, fingerprint: str) -> Line:
    """The settings in all lines of a manifest; others make other audio."""
    *stages, soundstorm = self.samplings
    return {
        'mode': self.mode,
        'seed': self.seed,
        'temperatures': [each.temperature for each in stages],
        'soundstorm_temperature': soundstorm.temperature,
        'top_k': [each.top_k for each in stages],
        'top_p': [each.top_p for each in stages],
        'keep_prompt': self.keep_prompt,
        'voice': self.voice,
        'stop_at_end': self.stop_at_end,
        'acoustics': self.acoustics,
        'weights': self.weights,
        'fingerprint': fingerprint,
    }

  def describe(self, job: Job, sample_rate: int) -> Line:
    """The line of one sample, beside the settings.

    Nothing is left of the prompt's sound in acoustic generation.
    """
    seconds = job.prompt.num_samples / sample_rate
    kept = seconds if self.mode == CONTINUATION else 0.0
    return {
        'file': job.file,
        'prompt': job.prompt.path,
        'sample': job.sample,
        'prompt_seconds': kept,
        'continuation_seconds': seconds - kept + self.seconds_added,
    }
