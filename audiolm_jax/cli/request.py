"""What is asked of the model, and how it is asked."""

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec
from jaxtyping import Array, Float, Key

from audiolm_jax import audio
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.cli import prompts
from audiolm_jax.cli.manifests import Line
from audiolm_jax.cli.plan import Job
from audiolm_jax.errors import UserError
from audiolm_jax.generation import chain
from audiolm_jax.generation.audiolm import AudioLM
from audiolm_jax.generation.beginnings import begin_with, keep_prompt
from audiolm_jax.generation.chain import Samplings
from audiolm_jax.training import partitioning

CONTINUATION = 'continuation'
ACOUSTIC_GENERATION = 'acoustic_generation'
UNCONDITIONAL = 'unconditional'
# Seconds; what is generated beyond does not fit every memory.
LONGEST_AT_ONCE = 60.0
MODES = (CONTINUATION, ACOUSTIC_GENERATION, UNCONDITIONAL)
ACOUSTICS = chain.KINDS

Waveform = Float[np.ndarray, ' N']


class Row(NamedTuple):
  """A sample to be made, and its prompt, cut to size."""

  job: Job
  waveform: Waveform


class Request(NamedTuple):
  """The same for all samples of a run.

  Attributes:
    mode: One of MODES.
    prompt_seconds: How much of each file is the prompt, at most.
    continuation_seconds: How much is generated.
    seed: Seed of the randomness.
    samplings: How the models sample, but for the temperatures.
    keep_prompt: Whether a continuation begins with the prompt itself.
    voice: A recording of who shall say it, its first `prompt_seconds` that is.
    stop_at_end: Whether less is generated where the model says it is over.
    acoustics: One of ACOUSTICS; None leaves it to the model.
    weights: How the stages' matrices are kept, one of TYPES of
      lm.sampling.matrices.
    temperatures: Those that are asked for, by model; others are the bundle's.
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
    made_by = ACOUSTICS[self.acoustics]
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


def measure(request: Request, lm: AudioLM, path: str) -> int:
  """Samples of a prompt in whole units.

  Raises:
    UserError: It cannot be read, or is shorter than a unit.
  """
  length = audio.num_samples(path, lm.sample_rate, seconds=request.seconds_read)
  if length < lm.hop_length:
    raise UserError(
        f'{path}: {length / lm.sample_rate:g} s are too short a prompt; the'
        f' model counts in {lm.hop_length / lm.sample_rate:g} s.'
    )
  return length // lm.hop_length * lm.hop_length


def read(request: Request, lm: AudioLM, batch: Sequence[Job]) -> list[Row]:
  """The rows of a batch whose prompts can be read."""
  waveforms = prompts.read(
      [job.prompt for job in batch],
      lambda path: lm.fit(
          audio.read(path, lm.sample_rate, seconds=request.seconds_read)
      ),
  )
  return [
      Row(job, waveforms[job.prompt])
      for job in batch
      if job.prompt in waveforms
  ]


def check_voice(request: Request, lm: AudioLM) -> None:
  """Reads the voice, if there is one.

  Raises:
    UserError: It cannot be read, or is shorter than a unit.
  """
  if request.voice and len(_voice(request, lm)) < lm.hop_length:
    raise UserError(
        f'--voice={request.voice} is too short; the model counts in'
        f' {lm.hop_length / lm.sample_rate:g} s.'
    )


def _voice(request: Request, lm: AudioLM) -> Waveform:
  return audio.read(
      request.voice, lm.sample_rate, seconds=request.prompt_seconds
  )


def generate(
    request: Request, lm: AudioLM, batch: Sequence[Row]
) -> list[Waveform]:
  """A waveform for each row; prompts may differ in length."""
  keys = _keys(request, batch)
  waveforms = [row.waveform for row in batch]
  if request.mode == ACOUSTIC_GENERATION:
    voices = [_voice(request, lm)] * len(batch) if request.voice else None
    made = lm.acoustic_generation(waveforms, keys, voices)
  else:
    made = lm.continuation(waveforms, request.continuation_seconds, keys)
  if request.keep_prompt:
    return [
        keep_prompt(generation, waveform, lm.sample_rate)
        for generation, waveform in zip(made, waveforms, strict=True)
    ]
  return [generation.waveform for generation in made]


def stream(
    request: Request, lm: AudioLM, batch: Sequence[Row]
) -> Iterator[list[Waveform]]:
  """The same, chunk by chunk as it is made."""
  waveforms = [row.waveform for row in batch]
  keys = _keys(request, batch)
  seconds = request.continuation_seconds
  chunks = lm.stream_from_start(waveforms, seconds, keys)
  if not request.keep_prompt:
    yield from chunks
    return
  begun = [np.zeros(0, np.float32)] * len(batch)
  for chunk in chunks:
    begun = [np.concatenate(pair) for pair in zip(begun, chunk, strict=True)]
    # A codec that looks ahead holds the prompt's end back.
    if all(len(x) >= len(y) for x, y in zip(begun, waveforms, strict=True)):
      break
  yield [
      begin_with(prompt, waveform, lm.sample_rate)
      for prompt, waveform in zip(waveforms, begun, strict=True)
  ]
  yield from chunks


def _keys(request: Request, batch: Sequence[Row]) -> Key[Array, ' B']:
  of_rows = [
      prompts.key(request.seed, row.waveform, row.job.sample) for row in batch
  ]
  return spread(jnp.stack(of_rows))


def spread(keys: Key[Array, ' B']) -> Key[Array, ' B']:
  """Deals the rows of a batch out to the devices, if they come out even."""
  mesh = partitioning.make_mesh()
  if mesh.size == 1 or len(keys) % mesh.size:
    return keys
  return jax.device_put(keys, NamedSharding(mesh, PartitionSpec('data')))
