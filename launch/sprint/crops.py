"""Crops of a corpus that travel: of all speakers in turn, as many as fit."""

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from audiolm_jax import audio
from audiolm_jax.corpus import Clip
from launch.sprint import folder, sounds

# Crops that are compressed together.
_TOGETHER = 32


class Place(NamedTuple):
  """The start of a crop: a clip, and seconds into it."""

  clip: Clip
  seconds: float


class Crops(NamedTuple):
  """Crops as they travel.

  Attributes:
    data: Bytes that sounds.compress made.
    lengths: Samples of each crop that are not padding.
  """

  data: bytes
  lengths: Int[np.ndarray, ' n']


def in_turn(
    clips: Sequence[Clip], crop_seconds: float, seed: int
) -> Iterator[Place]:
  """Crops that do not overlap: one of each speaker, another of each, ..."""
  random = np.random.default_rng(seed)
  speakers = {}
  for clip in clips:
    # Who is not named is a speaker of a corpus, which keeps its own turn.
    places = speakers.setdefault(clip.speaker or clip.source, [])
    # What ends a clip is worth a crop if it fills half of one.
    end = max(clip.seconds - crop_seconds / 2, 1e-3)
    starts = np.arange(0, end, crop_seconds)
    places.extend(Place(clip, float(start)) for start in starts)
  shuffled = [
      [places[i] for i in random.permutation(len(places))]
      for places in speakers.values()
  ]
  for turn in itertools.zip_longest(*shuffled):
    yield from (place for place in turn if place)


def collect(
    places: Iterator[Place],
    sample_rate: int,
    crop_seconds: float,
    bits: int,
    max_bytes: int,
) -> Crops:
  """Reads and compresses as many crops as there is room for."""
  pieces, lengths = [], []
  left = max_bytes
  while together := list(itertools.islice(places, _TOGETHER)):
    codes, found = _read(together, sample_rate, crop_seconds, bits)
    piece = sounds.compress(codes)
    left -= len(piece) + 4 * len(found)
    if left < 0:
      break
    pieces.append(piece)
    lengths.extend(found)
  folder.check_filled(len(pieces))
  return Crops(b''.join(pieces), np.array(lengths, np.int32))


def _read(
    places: Sequence[Place], sample_rate: int, crop_seconds: float, bits: int
) -> tuple[np.ndarray, list[int]]:
  num_samples = round(crop_seconds * sample_rate)
  waveforms = np.zeros((len(places), num_samples), np.float32)
  lengths = []
  for row, (clip, start) in zip(waveforms, places, strict=True):
    found = audio.read(clip.path, sample_rate, start, crop_seconds)
    length = min(len(found), num_samples)
    row[:length] = found[:length]
    lengths.append(length)
  return sounds.rounded(waveforms, bits), lengths
