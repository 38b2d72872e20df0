"""Semantic ids of clips that are heard in two other voices by turns.

Ids of a self-supervised model say what is spoken and, less so, who speaks. What
learns to speak from them takes the voice from there and passes over that of its
prompt. Played faster or slower a clip has another voice, and its ids, laid back
on the time of the clip, still say what is spoken. Two such voices take turns:
were a clip in one from end to end, its beginning would tell how the ids' voice
and the true one belong together. The clip's own ids are not among them unless a
speed of 1 is asked for, as they tell the voice.
"""

import zlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

# Shortest and longest turn, in seconds: a prompt of 3 s hears both voices.
_TURN = 1.0, 3.0


def draws(waveform: Float[np.ndarray, ' N']) -> np.random.Generator:
  """A random generator that is the same for the same clip in every run."""
  content = np.ascontiguousarray(waveform).tobytes()
  return np.random.default_rng(zlib.crc32(content))


def laid_back(
    ids: Int[np.ndarray, ' T2'], speed: float, num_frames: int
) -> Int[np.ndarray, ' T']:
  """The id that was heard at the middle of each frame of the clip itself."""
  places = ((np.arange(num_frames) + 0.5) / speed).astype(np.int64)
  return ids[np.minimum(places, len(ids) - 1)]


def in_turns(
    first: Int[np.ndarray, ' T'],
    second: Int[np.ndarray, ' T'],
    frames_per_second: float,
    random: np.random.Generator,
) -> Int[np.ndarray, ' T']:
  """Some of the first ids, some of the second, and so on; either begins."""
  shortest, longest = (max(round(s * frames_per_second), 1) for s in _TURN)
  count = len(first) // shortest + 1
  lengths = random.integers(shortest, longest, size=count, endpoint=True)
  turns = (np.arange(count) + random.integers(2)) % 2
  return np.where(np.repeat(turns, lengths)[: len(first)], second, first)


def choose(
    speeds: Sequence[float], random: np.random.Generator
) -> tuple[float, float]:
  """Two different speeds, or one of only one twice."""
  drawn = random.choice(len(speeds), min(len(speeds), 2), replace=False)
  return speeds[drawn[0]], speeds[drawn[-1]]
