"""Builds clips with phone times, of several speakers, for ABX.

Examples:
  python -m data.shipped.phones corpora/speech
  audiolm evaluate --model=speech --manifest='corpora/speech/*.jsonl' \\
      --split=test

The held-out voices of Kokoro read held-out novels in turn. When each phone is
spoken is what the model itself decided before it spoke, in steps of 25 ms.
Writes OUT/phones.jsonl, beside a corpus's own manifest: training does not see
it, and an evaluation of OUT/*.jsonl does.
"""

import functools
import pathlib
import sys
from typing import NamedTuple

import numpy as np
import soxr
from absl import flags

from audiolm_jax import audio
from audiolm_jax.adapters.recording import (
    SAMPLE_RATE,
    finish,
    worker_processes,
    write_flac,
    write_labels,
)
from audiolm_jax.cli import verb
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError
from data.shipped import austen, kokoro

FLAGS = flags.FlagValues()
flags.DEFINE_float(
    'minutes',
    30.0,
    'Minutes of all voices together.',
    lower_bound=0.1,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    'workers', 2, 'Number of processes.', lower_bound=1, flag_values=FLAGS
)

_SECONDS = 12.5  # Of a passage, on average.
_RMS = 0.08


class Reading(NamedTuple):
  """A passage and the voice that reads it."""

  voice: str
  passage: austen.Passage


def main(argv: list[str]) -> None:
  if len(argv) != 2:
    raise UserError(
        'Give the folder to build in: python -m data.shipped.phones OUT'
    )
  out = pathlib.Path(argv[1])
  readings = plan(austen.passages(0), round(FLAGS.minutes * 60 / _SECONDS))
  kokoro.model()  # Once, before the workers read it.
  with worker_processes(FLAGS.workers) as pool:
    clips = list(pool.map(read_aloud, readings, [out] * len(readings)))
  finish(out / 'phones.jsonl', clips)


def plan(
    passages: dict[str, list[austen.Passage]], count: int
) -> list[Reading]:
  """Voices take turns, and no passage is read twice; more extends fewer.

  Raises:
    UserError: There is not as much text.
  """
  # From the end, so as not to meet what data.shipped.speech has read.
  unread = {split: list(texts) for split, texts in passages.items()}
  voices, readings = sorted(kokoro.SPLITS), []
  for number in range(count):
    voice = voices[number % len(voices)]
    texts = unread[kokoro.SPLITS[voice]]
    if not texts:
      minutes = number * _SECONDS / 60
      raise UserError(
          f'There is text for {minutes:.0f} minutes only; ask less.'
      )
    readings.append(Reading(voice, texts.pop()))
  return readings


def read_aloud(reading: Reading, out: pathlib.Path) -> Clip:
  """Speaks a passage and writes when each phone is spoken."""
  voice, passage = reading
  path = out / 'kokoro-phones' / voice / f'{passage.name}.flac'
  labels = path.with_suffix('.tsv')
  if path.exists() and labels.exists():
    seconds = audio.duration(path)
  else:
    spoken = _speaker().say_phones(passage.text, voice)
    waveform = soxr.resample(spoken.waveform, kokoro.SAMPLE_RATE, SAMPLE_RATE)
    rms = np.sqrt(np.mean(waveform**2))
    seconds = write_flac(path, waveform * (_RMS / rms))
    write_labels(labels, spoken.phones)
  return Clip(
      path=str(path),
      seconds=seconds,
      split=kokoro.SPLITS[voice],
      source='kokoro-phones',
      licence=kokoro.LICENCE,
      speaker=voice,
      piece=passage.name,
      transcript=passage.text,
      labels=str(labels),
      language='en',
  )


@functools.cache
def _speaker() -> kokoro.Kokoro:
  """One for each process: loading takes seconds."""
  return kokoro.Kokoro()


def run() -> None:
  """Entry point."""
  verb.run(main, FLAGS, sys.argv)


if __name__ == '__main__':
  run()
