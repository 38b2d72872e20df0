"""Do tokens follow what is said or played? Ids and features against labels."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from audiolm_jax.evaluation.metrics import abx, clusters, labels
from audiolm_jax.evaluation.metrics.triphones import Speech


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


def abx_errors(
    candidates: Mapping[str, FrameFeatures], spoken: Sequence[Speech]
) -> dict[str, abx.Abx]:
  """ABX errors of each candidate's features on the clips' triphones."""
  return {
      name: abx.errors(candidate.features, spoken, 1 / candidate.frame_seconds)
      for name, candidate in candidates.items()
  }
