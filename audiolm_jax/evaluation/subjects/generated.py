"""The folder that `audiolm generate` wrote, checked file by file."""

import json
import math
import pathlib
from collections.abc import Sequence
from typing import Annotated, NamedTuple

import numpy as np
from jaxtyping import Float
from msgspec import Meta, Struct

from audiolm_jax import audio, described
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation.metrics import faults

MANIFEST = 'manifest.jsonl'
# Sample rate of what is measured and drawn, whatever the file's: AudioLM's.
SAMPLE_RATE = 16000

_Seconds = Annotated[float, Meta(ge=0)]
_MEND = 'generate it anew.'


class Generation(NamedTuple):
  """A line of the manifest.

  Attributes:
    file: The WAV, relative to the folder.
    prompt: The recording that it continues, or None if it begins anew.
    prompt_seconds: Seconds of its beginning that are the prompt; 0 if none are.
    is_over: Whether the model ended it where it should have begun.
  """

  file: str
  prompt: str | None
  prompt_seconds: float
  is_over: bool


class _Line(Struct):
  """The fields that are read of a line; there are more."""

  file: str
  prompt: str | None
  prompt_seconds: _Seconds
  stop_at_end: bool = False
  seconds: _Seconds = math.inf


class Checked(NamedTuple):
  """A generation and what was found.

  Attributes:
    file: The WAV, relative to the folder.
    prompt_seconds: Length of the prompt, in seconds, as the manifest has it.
    prompt: Findings about the prompt; None where there is none to compare with.
    continuation: Findings about everything after the prompt.
  """

  file: str
  prompt_seconds: float
  prompt: faults.Prompt | None
  continuation: faults.Continuation


def read_manifest(folder: pathlib.Path) -> list[Generation]:
  """Reads FOLDER/manifest.jsonl.

  Raises:
    UserError: The manifest is missing, empty, or a line lacks what is needed.
  """
  path = folder / MANIFEST
  try:
    lines = path.read_text(encoding='utf-8').split('\n')
  except OSError as e:
    raise UserError(
        f'{path}: cannot read ({e.strerror}); --generations is a folder that'
        ' `audiolm generate` wrote.'
    ) from e
  found = [
      _generation(line, f'{path}:{number}')
      for number, line in enumerate(lines, 1)
      if line.strip()
  ]
  if not found:
    raise UserError(f'{path}: lists no generation.')
  return found


def _generation(line: str, where: str) -> Generation:
  where = f'{where} is no line of audiolm generate'
  try:
    value = json.loads(line)
  except (ValueError, RecursionError) as error:
    raise UserError(f'{where}: {error}.') from error
  said = described.check(value, _Line, where, _MEND)
  # Acoustic generation has a prompt's words, and none of its sound.
  prompt = said.prompt if said.prompt_seconds else None
  is_over = said.stop_at_end and said.seconds <= said.prompt_seconds
  return Generation(said.file, prompt, said.prompt_seconds, is_over)


def check(folder: pathlib.Path) -> list[Checked]:
  """Checks every generation of a folder: its prompt, and what comes after."""
  found = read_manifest(folder)
  prompts = {
      (each.prompt, each.prompt_seconds): _read_prompt(folder, each)
      for each in found
      if each.prompt
  }
  return [_check(folder, each, prompts) for each in found]


def faulty(checked: Sequence[Checked]) -> dict[str, list[str]]:
  """Faults of those generations that have any, by file."""
  found = {}
  for each in checked:
    faults_of = list(each.continuation.faults)
    if each.prompt and not each.prompt.recognised:
      faults_of.append('prompt not recognised')
    if faults_of:
      found[each.file] = faults_of
  return found


def read(path: pathlib.Path) -> Float[np.ndarray, ' N']:
  """Reads a generation at the rate at which all is measured."""
  return audio.read(path, SAMPLE_RATE)


def _read_prompt(
    folder: pathlib.Path, generation: Generation
) -> Float[np.ndarray, ' N']:
  # A prompt's path is as the user gave it, or relative to the folder.
  path = pathlib.Path(generation.prompt)
  path = path if path.exists() else folder / path
  return audio.read(path, SAMPLE_RATE, seconds=generation.prompt_seconds)


def _check(
    folder: pathlib.Path,
    generation: Generation,
    prompts: dict[tuple[str, float], Float[np.ndarray, ' N']],
) -> Checked:
  if generation.is_over:
    seconds = generation.prompt_seconds
    return Checked(generation.file, seconds, None, faults.NOTHING)
  waveform = read(folder / generation.file)
  if generation.prompt is None:
    continuation = faults.check_continuation(waveform, None, SAMPLE_RATE)
    return Checked(generation.file, 0.0, None, continuation)
  prompt = prompts[generation.prompt, generation.prompt_seconds]
  start, rest = waveform[: len(prompt)], waveform[len(prompt) :]
  if not len(rest):
    raise UserError(
        f'{folder / generation.file} is not longer than its prompt,'
        f' {generation.prompt_seconds:g} s.'
    )
  others = [x for (path, _), x in prompts.items() if path != generation.prompt]
  return Checked(
      generation.file,
      generation.prompt_seconds,
      faults.check_prompt(start, prompt, others, SAMPLE_RATE),
      faults.check_continuation(rest, prompt, SAMPLE_RATE),
  )
