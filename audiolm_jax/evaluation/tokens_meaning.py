"""Do tokens follow what is said or played? Ids and features against labels."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from audiolm_jax.evaluation import abx, clusters, labels


class FrameIds(NamedTuple):
  """One id a frame, for each of some clips.

  Attributes:
    ids: The ids of each clip.
    frame_seconds: Duration of a frame.
  """

  ids: Sequence[Int[np.ndarray, ' T']]
  frame_seconds: float


class FrameFeatures(NamedTuple):
  """One vector a frame, for each of some clips."""

  features: Sequence[Float[np.ndarray, 'T D']]
  frame_seconds: float


def meaning(
    candidates: Mapping[str, FrameIds],
    intervals: Sequence[Sequence[labels.Interval]],
) -> dict[str, clusters.Meaning]:
  """PNMI and purity of each candidate's ids against the clips' labels."""
  return {
      name: clusters.score(
          candidate.ids,
          [
              labels.of_frames(annotated, len(ids), candidate.frame_seconds)
              for ids, annotated in zip(candidate.ids, intervals, strict=True)
          ],
      )
      for name, candidate in candidates.items()
  }


def abx_within(
    candidates: Mapping[str, FrameFeatures],
    intervals: Sequence[Sequence[labels.Interval]],
    speakers: Sequence[str],
) -> dict[str, abx.Abx]:
  """ABX error of each candidate's features on the clips' triphones."""
  pairs = zip(intervals, speakers, strict=True)
  items = [
      item
      for clip, (annotated, speaker) in enumerate(pairs)
      for item in abx.items_of(annotated, clip, speaker)
  ]
  return {
      name: abx.within(candidate.features, items, 1 / candidate.frame_seconds)
      for name, candidate in candidates.items()
  }
