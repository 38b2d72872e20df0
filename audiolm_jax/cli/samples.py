"""The samples of a batch: prompts are read, waveforms are made of them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec
from jaxtyping import Array, Float, Key

from audiolm_jax import audio
from audiolm_jax.cli import prompts
from audiolm_jax.cli.modes import ACOUSTIC_GENERATION
from audiolm_jax.cli.plan import Job
from audiolm_jax.cli.request import Request
from audiolm_jax.errors import UserError
from audiolm_jax.generation.audiolm import AudioLM
from audiolm_jax.generation.beginnings import begin_stream_with, keep_prompt
from audiolm_jax.training import partitioning

Waveform = Float[np.ndarray, ' N']


class Row(NamedTuple):
  """A sample to be made, and its prompt, cut to size."""

  job: Job
  waveform: Waveform


def measure(request: Request, lm: AudioLM, path: str) -> int:
  """Samples of a prompt in whole units.

  Raises:
    UserError: The prompt cannot be read, or is shorter than a unit.
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
    UserError: The voice cannot be read, or is shorter than a unit.
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
  """Waveforms of the rows chunk by chunk, as they are made."""
  waveforms = [row.waveform for row in batch]
  keys = _keys(request, batch)
  seconds = request.continuation_seconds
  chunks = lm.stream_from_start(waveforms, seconds, keys)
  if request.keep_prompt:
    chunks = begin_stream_with(waveforms, chunks, lm.sample_rate)
  return chunks


def _keys(request: Request, batch: Sequence[Row]) -> Key[Array, ' B']:
  waveforms = [row.waveform for row in batch]
  numbers = [row.job.sample for row in batch]
  return spread(prompts.keys(request.seed, waveforms, numbers))


def spread(keys: Key[Array, ' B']) -> Key[Array, ' B']:
  """Deals the rows of a batch out to the devices, if they come out even."""
  mesh = partitioning.make_mesh()
  if mesh.size == 1 or len(keys) % mesh.size:
    return keys
  return jax.device_put(keys, NamedSharding(mesh, PartitionSpec('data')))
