"""What is asked of the model, and how it is asked."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec
from jaxtyping import Array, Float, Key

from audiolm_jax import audio
from audiolm_jax.chain import Samplings
from audiolm_jax.cli import prompts
from audiolm_jax.cli.manifests import Line
from audiolm_jax.cli.plan import Job
from audiolm_jax.errors import UserError
from audiolm_jax.generate import AudioLM
from audiolm_jax.training import partitioning

CONTINUATION = 'continuation'
ACOUSTIC_GENERATION = 'acoustic_generation'
UNCONDITIONAL = 'unconditional'
MODES = (CONTINUATION, ACOUSTIC_GENERATION, UNCONDITIONAL)

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
    seed: Of the randomness.
    samplings: Of the stages.
  """

  mode: str
  prompt_seconds: float
  continuation_seconds: float
  seed: int
  samplings: Samplings

  @property
  def seconds_read(self) -> float:
    """How much of a file is looked at."""
    if self.mode == ACOUSTIC_GENERATION:
      return self.prompt_seconds + self.continuation_seconds
    return self.prompt_seconds

  @property
  def seconds_added(self) -> float:
    """How much longer a sample is than what was read."""
    return (
        0.0 if self.mode == ACOUSTIC_GENERATION else self.continuation_seconds
    )

  def settings(self, fingerprint: str) -> Line:
    """What all lines of a manifest say; other audio comes of other settings."""
    return {
        'mode': self.mode,
        'seed': self.seed,
        'temperatures': [each.temperature for each in self.samplings],
        'fingerprint': fingerprint,
    }

  def describe(self, job: Job, sample_rate: int) -> Line:
    """What the line of one sample says besides.

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
  """Samples of a prompt in whole units, by its header.

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


def generate(
    request: Request, lm: AudioLM, batch: Sequence[Row]
) -> list[Waveform]:
  """A waveform for each row; prompts may differ in length."""
  of_rows = [
      prompts.key(request.seed, row.waveform, row.job.sample) for row in batch
  ]
  keys = spread(jnp.stack(of_rows))
  waveforms = [row.waveform for row in batch]
  if request.mode == ACOUSTIC_GENERATION:
    made = lm.acoustic_generation(waveforms, keys)
  else:
    made = lm.continuation(waveforms, request.continuation_seconds, keys)
  return [generation.waveform for generation in made]


def spread(keys: Key[Array, ' B']) -> Key[Array, ' B']:
  """Deals the rows of a batch out to the devices, if they come out even."""
  mesh = partitioning.make_mesh()
  if mesh.size == 1 or len(keys) % mesh.size:
    return keys
  return jax.device_put(keys, NamedSharding(mesh, PartitionSpec('data')))
