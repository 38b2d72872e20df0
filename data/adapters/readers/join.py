"""Joins clips as the flags of `audiolm corpus join` say."""

import itertools
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from absl import flags, logging
from jaxtyping import Float, Int

from audiolm_jax import audio, speeds
from audiolm_jax.adapters.recording import (
    SAMPLE_RATE,
    finish,
    worker_processes,
    write_flac,
)
from audiolm_jax.corpus import Clip, read_manifest
from audiolm_jax.errors import UserError
from audiolm_jax.sound import finding

# Frames so far below a clip's loudest one are a pause. Consonants lie 30 to 40
# dB below the vowels, rooms and microphones of old games at 50 and lower.
_PAUSE_DB = 45
_FRAME = SAMPLE_RATE // 100
_FADE = SAMPLE_RATE // 200  # 5 ms: a cut through a hum is no click.


class Job(NamedTuple):
  """Work of one process at a time: a speaker at a speed.

  Attributes:
    clips: The clips of the speaker; all but length and text are alike.
    speed: Speed at which the clips are played, 1 as they are.
    seconds: Shortest length of a recording.
    longest_pause: Seconds.
    stem: Path of the recordings, without the ending: STEM-0.flac, STEM-1.flac,
      ...
  """

  clips: Sequence[Clip]
  speed: float
  seconds: float
  longest_pause: float
  stem: pathlib.Path


class Part(NamedTuple):
  """Clips that become one recording, and what is left of each."""

  clips: tuple[Clip, ...] = ()
  pieces: tuple[Float[np.ndarray, ' _'], ...] = ()

  @property
  def seconds(self) -> float:
    """Length of the recording."""
    return sum(map(len, self.pieces)) / SAMPLE_RATE

  def __add__(self, other: 'Part') -> 'Part':
    return Part(self.clips + other.clips, self.pieces + other.pieces)


def main(argv: list[str], values: flags.FlagValues) -> int:
  source, manifest = argv[1], pathlib.Path(argv[2])
  chosen = [speeds.parse(text) for text in values.speeds]
  sources = map(os.path.realpath, finding.matching(source) or [source])
  if os.path.realpath(manifest) in sources:
    raise UserError(f'{manifest} is read and would be written; name another.')
  clips = read_manifest(source)
  jobs = [
      Job(part, speed, values.seconds, values.longest_pause, stem)
      for part, speed, stem in _jobs(clips, chosen, manifest)
  ]
  with worker_processes(values.workers) as pool:
    written = list(itertools.chain(*pool.map(write, jobs)))
  finish(manifest, [clip for _, clip in written])
  used = sum(number for number, _ in written)
  left_out = sum(len(job.clips) for job in jobs) - used
  return 1 if left_out else 0


def _jobs(
    clips: Iterable[Clip], chosen: Sequence[float], manifest: pathlib.Path
) -> Iterator[tuple[list[Clip], float, pathlib.Path]]:
  folder = manifest.parent / f'{manifest.stem}_audio'
  for number, members in enumerate(speakers(clips)):
    for speed in chosen if members[0].split == 'train' else [1.0]:
      yield members, speed, folder / f'{number:05d}@{speed:g}'


def speakers(clips: Iterable[Clip]) -> list[list[Clip]]:
  """Clips that may be joined, in the order of the manifest."""
  groups: dict[tuple, list[Clip]] = {}
  for number, clip in enumerate(clips):
    # Clips of nobody in particular may be of two people.
    who = number if clip.speaker is None else clip.speaker
    alike = (clip.split, clip.source, clip.licence, clip.language, clip.origin)
    groups.setdefault((*alike, who), []).append(clip)
  return list(groups.values())


def write(job: Job) -> list[tuple[int, Clip]]:
  """Writes a speaker's recordings; how many clips are in each, and it."""
  written = []
  for number, part in enumerate(parts(_played(job), job.seconds)):
    path = job.stem.with_name(f'{job.stem.name}-{number}.flac')
    seconds = write_flac(path, np.concatenate(part.pieces))
    written.append((len(part.clips), _clip(part.clips, job, path, seconds)))
  return written


def parts(played: Iterable[Part], seconds: float) -> Iterator[Part]:
  """Joins until it is so many seconds; a short rest joins the last of them."""
  whole, part = Part(), Part()
  for one in played:
    part += one
    if part.seconds >= seconds:
      if whole.clips:
        yield whole
      whole, part = part, Part()
  if whole.clips or part.clips:
    yield whole + part


def _played(job: Job) -> Iterator[Part]:
  for clip in job.clips:
    try:
      samples = audio.read(clip.path, SAMPLE_RATE)
    except UserError as error:
      logging.error('Left out: %s', error)
      continue
    samples = speeds.played(samples, job.speed, SAMPLE_RATE)
    samples = shorten(samples, job.longest_pause)
    if len(samples):
      yield Part((clip,), (samples,))
    else:
      logging.error('Left out: %s is silent.', clip.path)


def shorten(
    samples: Float[np.ndarray, ' N'], longest_pause: float
) -> Float[np.ndarray, ' N2']:
  """Cuts pauses to a length, those at both ends to half of it.

  Args:
    samples: A clip at SAMPLE_RATE.
    longest_pause: Seconds.

  Returns:
    What is left, nothing of a silent clip. Cuts lie in the middle of a pause
    and are faded, so that what is heard on both sides keeps its room.
  """
  margin = round(longest_pause / 2 * SAMPLE_RATE)
  pieces = []
  for start, end in _heard(samples):
    start, end = max(start - margin, 0), min(end + margin, len(samples))
    if pieces and start <= pieces[-1][1]:
      pieces[-1][1] = end
    else:
      pieces.append([start, end])
  faded = [_faded(samples[start:end]) for start, end in pieces]
  return np.concatenate([samples[:0], *faded])


def _heard(samples: Float[np.ndarray, ' N']) -> Int[np.ndarray, 'k 2']:
  """Starts and ends of what is no pause, in samples."""
  frames = np.pad(samples, (0, -len(samples) % _FRAME)).reshape(-1, _FRAME)
  energy = np.square(frames, dtype=np.float64).sum(-1)
  loud = energy > energy.max(initial=0) * 10 ** (-_PAUSE_DB / 10)
  changes = np.flatnonzero(np.diff(loud, prepend=False, append=False))
  return changes.reshape(-1, 2) * _FRAME


def _faded(samples: Float[np.ndarray, ' N']) -> Float[np.ndarray, ' N']:
  samples = samples.copy()
  length = min(_FADE, len(samples) // 2)
  ramp = np.linspace(0, 1, length, dtype=np.float32)
  samples[:length] *= ramp
  samples[len(samples) - length :] *= ramp[::-1]
  return samples


def _clip(
    clips: Sequence[Clip], job: Job, path: pathlib.Path, seconds: float
) -> Clip:
  first = clips[0]
  speaker = first.speaker
  if job.speed != 1.0 and speaker is not None:
    speaker = f'{speaker}@{job.speed:g}'
  texts = [clip.transcript for clip in clips]
  return first._replace(
      path=str(path),
      seconds=seconds,
      speaker=speaker,
      piece=first.piece if len(clips) == 1 else None,
      transcript=' '.join(texts) if all(texts) else None,
      labels=None,
  )
