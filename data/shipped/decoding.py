"""Recordings of any vintage as 16 kHz mono, and from there into a corpus."""

import hashlib
import pathlib
from collections.abc import Iterable, Iterator
from concurrent import futures

import numpy as np
from absl import logging
from jaxtyping import Float

from audiolm_jax import audio
from audiolm_jax.adapters.recording import SAMPLE_RATE, write_flac, write_labels
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError
from data.shipped.real_speech import Recording

_HELD_OUT = {0: 'dev', 10: 'test'}  # Of every 20 utterances of a source.
_SILENCE = 1e-3  # Peak below which a recording holds nothing.


def decode(path: pathlib.Path) -> Float[np.ndarray, ' N']:
  """Reads what libsndfile reads, and G.722."""
  if path.suffix != '.g722':
    return audio.read(path, SAMPLE_RATE)
  from G722 import G722

  samples = G722(16000, 64000).decode(path.read_bytes())
  return np.asarray(samples, np.float32) / 2**15


def convert(
    recordings: Iterable[Recording],
    out: pathlib.Path,
    min_seconds: float,
    workers: int = 2,
) -> list[Clip]:
  """Writes the recordings as FLAC, each content once, and returns the clips."""
  chosen = list(_held_out(_distinct(recordings)))
  with futures.ThreadPoolExecutor(workers) as pool:
    clips = list(
        pool.map(
            _convert_one,
            chosen,
            [out] * len(chosen),
            [min_seconds] * len(chosen),
        )
    )
  return [clip for clip in clips if clip is not None]


def _distinct(recordings: Iterable[Recording]) -> Iterator[Recording]:
  seen = set()
  for recording in recordings:
    digest = hashlib.sha256(recording.path.read_bytes()).digest()
    if digest not in seen:
      yield recording
    seen.add(digest)


def _held_out(recordings: Iterable[Recording]) -> Iterator[Recording]:
  """Gives those without a split theirs, by their number in the source."""
  numbers = {}
  for recording in recordings:
    number = numbers.get(recording.source, 0)
    numbers[recording.source] = number + 1
    split = recording.split or _HELD_OUT.get(number % 20, 'train')
    yield recording._replace(split=split)


def _convert_one(
    recording: Recording, out: pathlib.Path, min_seconds: float
) -> Clip | None:
  path = out / recording.source / f'{recording.name}.flac'
  if path.exists():
    seconds = audio.duration(path)
  else:
    try:
      waveform = decode(recording.path)
    except UserError as error:
      logging.warning('Left out: %s', error)
      return None
    if len(waveform) < min_seconds * SAMPLE_RATE:
      return None
    if np.abs(waveform).max() < _SILENCE:
      return None
    seconds = write_flac(path, waveform)
  labels = path.with_suffix('.tsv') if recording.labels else None
  if labels is not None:
    write_labels(labels, recording.labels)
  return Clip(
      path=str(path),
      seconds=seconds,
      split=recording.split,
      source=recording.source,
      licence=recording.licence,
      speaker=recording.speaker,
      transcript=recording.transcript,
      labels=labels and str(labels),
      language=recording.language,
  )
