"""Clips of a manifest as one array, and functions mapped over them."""

import itertools
import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped

from audiolm_jax import audio, progress
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError

BATCH_SIZE = 8
# Less holds too few syllables or notes for a score.
MIN_SECONDS = 2.0


class LoadedClips(NamedTuple):
  """The beginnings of some clips.

  Attributes:
    clips: Clips of the manifest that they are the beginnings of.
    waveforms: Zero-padded to one length, a multiple of what was asked for.
    lengths: True samples of each.
    sample_rate: Hz.
  """

  clips: list[Clip]
  waveforms: Float[np.ndarray, 'B N']
  lengths: Int[np.ndarray, ' B']
  sample_rate: int

  @property
  def seconds(self) -> float:
    """Duration in all, without padding."""
    return float(self.lengths.sum() / self.sample_rate)

  def trimmed(self) -> list[Float[np.ndarray, ' N']]:
    """Each waveform without its padding."""
    pairs = zip(self.waveforms, self.lengths, strict=True)
    return [waveform[:length] for waveform, length in pairs]

  def frames(
      self, values: Shaped[np.ndarray, 'B T *D'], hop_length: int
  ) -> list[np.ndarray]:
    """The values that belong to the whole frames of each clip."""
    pairs = zip(values, self.lengths // hop_length, strict=True)
    return [row[:num_frames] for row, num_frames in pairs]


def choose(clips: Sequence[Clip], num_clips: int) -> list[Clip]:
  """At most `num_clips` clips, evenly over the manifest; no chance involved.

  Raises:
    UserError: No clip is long enough to measure anything.
  """
  found = [clip for clip in clips if clip.seconds >= MIN_SECONDS]
  if not found:
    raise UserError(
        f'None of {len(clips)} clips lasts {MIN_SECONDS:g} s; cut longer ones.'
    )
  return [found[place] for place in spread(len(found), num_clips)]


def in_turn(found: Sequence[Clip], count: int) -> list[Clip]:
  """At most `count` clips: one of each speaker, then another of each, ...

  Where nobody speaks, a piece, or else a file, counts as a speaker does.
  """
  groups: dict[str, list[Clip]] = {}
  for clip in found:
    groups.setdefault(clip.speaker or clip.piece or clip.path, []).append(clip)
  rounds = itertools.zip_longest(*groups.values())
  ordered = [clip for turn in rounds for clip in turn if clip is not None]
  return ordered[:count]


def drawn_in_turn(found: Sequence[Clip], count: int, seed: int) -> list[Clip]:
  """Clips of speakers `in_turn`, drawn by a seed; speakers by their names."""
  drawn = list(found)
  random.Random(seed).shuffle(drawn)
  return in_turn(sorted(drawn, key=lambda clip: str(clip.speaker)), count)


def spread(length: int, count: int) -> Int[np.ndarray, ' k']:
  """At most `count` places, evenly over `length`."""
  count = min(length, count)
  return np.arange(count) * length // max(count, 1)


def load(
    clips: Sequence[Clip], sample_rate: int, max_seconds: float, multiple: int
) -> LoadedClips:
  """Reads the first `max_seconds` of each clip, padded alike to `multiple`."""
  waveforms = [
      audio.read(clip.path, sample_rate, seconds=max_seconds) for clip in clips
  ]
  lengths = np.array([len(waveform) for waveform in waveforms], np.int32)
  longest = -(-int(lengths.max()) // multiple) * multiple
  padded = [np.pad(x, (0, longest - len(x))) for x in waveforms]
  return LoadedClips(list(clips), np.stack(padded), lengths, sample_rate)


def in_batches(
    what: str,
    function: Callable[..., np.ndarray],
    *arrays: Shaped[np.ndarray, 'B ...'],
) -> np.ndarray:
  """Applies a function of batches to all rows, a few at a time.

  The last batch is filled up with rows that are dropped again, so that a
  compiled function sees one shape only. `what` is happening is logged.
  """
  num_rows = len(arrays[0])
  rows = np.arange(-(-num_rows // BATCH_SIZE) * BATCH_SIZE) % num_rows
  results = [
      np.asarray(function(*(array[batch] for array in arrays)))
      for batch in progress.follow(list(rows.reshape(-1, BATCH_SIZE)), what)
  ]
  return np.concatenate(results)[:num_rows]
