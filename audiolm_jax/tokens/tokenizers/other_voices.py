"""Semantic ids of clips that are played at another speed.

Ids of a self-supervised model say what is spoken and, less so, who speaks. What
learns to speak from them takes the voice from there and passes over that of its
prompt. Played faster or slower a clip has another voice, and its ids, laid back
on the time of the clip, still say what is spoken.
"""

import zlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int


def speed_of(
    waveform: Float[np.ndarray, ' N'], speeds: Sequence[float]
) -> float:
  """One of the speeds, the same for the same clip in every run."""
  content = np.ascontiguousarray(waveform).tobytes()
  return speeds[zlib.crc32(content) % len(speeds)]


def laid_back(
    ids: Int[np.ndarray, ' T2'], speed: float, num_frames: int
) -> Int[np.ndarray, ' T']:
  """The id that was heard at the middle of each frame of the clip itself."""
  places = ((np.arange(num_frames) + 0.5) / speed).astype(np.int64)
  return ids[np.minimum(places, len(ids) - 1)]
