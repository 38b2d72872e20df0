"""Read English of many voices, spoken by Kokoro and by Piper.

Kokoro's voices read Austen and plain little stories by turns, and so does a
crowd of its blends, each of whom is heard once; Piper reads Austen. Held-out
voices read held-out novels and held-out sentences. Clip n of a source depends
on n alone, so that more minutes extend fewer.
"""

import functools
import itertools
import pathlib
import types
from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
import soxr
from jaxtyping import Float

from audiolm_jax import audio
from audiolm_jax.adapters.recording import (
    SAMPLE_RATE,
    SPLITS,
    worker_processes,
    write_flac,
)
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError
from data.shipped import austen, kokoro, piper, plain_english, voices

_SEED = 0
_RMS = 0.08
# Seconds that a passage lasts on average.
_KOKORO_SECONDS = 10.5
_PIPER_SECONDS = 11.5
# Stories that the crowd reads have numbers that the voices do not come to.
_CROWD_STORIES = 100_000


class Engine(Protocol):
  """Text to speech."""

  def say(self, text: str, voice: str) -> Float[np.ndarray, ' N']:
    """Samples at the engine's own rate."""


class Reading(NamedTuple):
  """A passage of a split, and the source and voice that read it."""

  source: str
  voice: str
  split: str
  passage: austen.Passage


def build(
    out: pathlib.Path,
    kokoro_minutes: float,
    piper_minutes: float,
    workers: int,
    crowd_minutes: float = 0.0,
) -> Iterator[Clip]:
  """Speaks what is not there yet; all clips, each as soon as it is there."""
  readings = list(
      plan(
          austen.passages(_SEED),
          round(kokoro_minutes * 60 / _KOKORO_SECONDS),
          round(piper_minutes * 60 / _PIPER_SECONDS),
          round(crowd_minutes * 60 / _KOKORO_SECONDS),
      )
  )
  if kokoro_minutes or crowd_minutes:
    kokoro.model()  # Once, before the workers read it.
  with worker_processes(workers) as pool:
    yield from pool.map(read_aloud, readings, [out] * len(readings))


def plan(
    passages: dict[str, list[austen.Passage]],
    num_kokoro: int,
    num_piper: int,
    num_crowd: int = 0,
) -> Iterator[Reading]:
  """Voices take turns; none reads what another of its source reads.

  A voice reads a passage of the novels and a plain story by turns, half of
  them beginning with the one and half with the other.

  Raises:
    UserError: There is not as much text.
  """
  novels = {split: iter(texts) for split, texts in passages.items()}
  plain = {split: plain_english.passages(split) for split in SPLITS}
  shelves = {
      voice: itertools.cycle((novels, plain)[:: 1 if number % 2 else -1])
      for number, voice in enumerate(voices.TRAIN + voices.HELD_OUT)
  }
  for number, voice in enumerate(itertools.islice(voices.turns(), num_kokoro)):
    split = voices.split(voice)
    passage = _next(next(shelves[voice])[split], number)
    yield Reading('kokoro', voice, split, passage)
  # Piper starts at the other end, so that neither plan moves the other.
  backwards = reversed(passages['train'])
  for number in range(num_piper):
    voice = piper.VOICES[number % len(piper.VOICES)]
    yield Reading('piper', voice, 'train', _next(backwards, number))
  yield from _crowd(passages['train'], num_crowd)


def _crowd(novels: list[austen.Passage], count: int) -> Iterator[Reading]:
  """A speaker for each clip, who reads from the novels or a story by turns."""
  unread = iter(novels)
  for number, voice in enumerate(itertools.islice(voices.crowd(), count)):
    if number % 2:
      passage = plain_english.passage('train', _CROWD_STORIES + number)
    else:
      passage = _next(unread, number)
    yield Reading('crowd', voice, 'train', passage)


def _next(unread: Iterator[austen.Passage], number: int) -> austen.Passage:
  passage = next(unread, None)
  if passage is None:
    minutes = number * _PIPER_SECONDS // 60
    raise UserError(f'There is text for {minutes:.0f} minutes only; ask less.')
  return passage


def read_aloud(reading: Reading, out: pathlib.Path) -> Clip:
  source, voice, split, passage = reading
  module = piper if source == 'piper' else kokoro
  path = out / source / voice / f'{passage.name}.flac'
  if path.exists():
    seconds = audio.duration(path)
  else:
    speech = _engine(module).say(passage.text, voice)
    waveform = soxr.resample(speech, module.SAMPLE_RATE, SAMPLE_RATE)
    rms = np.sqrt(np.mean(waveform**2))
    seconds = write_flac(path, waveform * (_RMS / rms))
  return Clip(
      path=str(path),
      seconds=seconds,
      split=split,
      source=source,
      licence=module.LICENCE,
      speaker=voice,
      piece=passage.name,
      transcript=passage.text,
      language='en',
  )


@functools.cache
def _engine(module: types.ModuleType) -> Engine:
  """One for each process and module: loading takes seconds."""
  return module.Kokoro() if module is kokoro else module.Piper()
