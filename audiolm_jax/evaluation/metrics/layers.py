"""The layer whose clusters follow phones or notes best (AudioLM s. IV-B)."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from audiolm_jax.evaluation import tables
from audiolm_jax.evaluation.metrics import labels, tokens_meaning
from audiolm_jax.evaluation.metrics.abx import Abx
from audiolm_jax.evaluation.metrics.clusters import Meaning
from audiolm_jax.evaluation.metrics.tokens_meaning import (
    FrameFeatures,
    FrameIds,
)
from audiolm_jax.evaluation.metrics.triphones import Speech
from audiolm_jax.nn import kmeans
from audiolm_jax.nn.kmeans import KMeans


class Score(NamedTuple):
  """Measures of what the clusters of one layer keep of speech or music.

  Attributes:
    layer: Index of a layer of the model.
    num_clusters: K.
    features: ABX of the normalized features themselves; None for notes.
    centroids: ABX of the centroids that stand for the ids; None for notes.
    meaning: PNMI of the ids.
  """

  layer: int
  num_clusters: int
  features: Abx | None
  centroids: Abx | None
  meaning: Meaning

  @property
  def error(self) -> float:
    """The error that the choice of a layer makes small.

    ABX of the centroids, the mean of within and across where there are several
    speakers. Notes overlap and make no triphones: for them, the share of what
    is played that the ids leave open, chance being none.
    """
    if self.centroids is None:
      return 1.0 - (self.meaning.pnmi - self.meaning.pnmi_chance)
    found = [self.centroids.within, self.centroids.across]
    return float(np.nanmean([x for x in found if not math.isnan(x)] or [1.0]))


def scores(
    layer: int,
    frames: Sequence[Float[np.ndarray, '_ D']],
    spoken: Sequence[Speech],
    fitted: Sequence[KMeans],
    frame_seconds: float,
) -> list[Score]:
  """Scores clusterings of one layer on clips that they were not fit on.

  Args:
    layer: Index of a layer of the model.
    frames: Features of each clip as the model gives them.
    spoken: Annotation of each clip: phones or notes.
    fitted: Clusterings of this layer.
    frame_seconds: Duration of a frame.
  """
  ids = {str(i): _ids(frames, found) for i, found in enumerate(fitted)}
  meanings = tokens_meaning.meaning(
      {name: FrameIds(found, frame_seconds) for name, found in ids.items()},
      [speech.intervals for speech in spoken],
  )
  vectors = {
      name: [found.centroids[clip] for clip in ids[name]]
      for name, found in zip(ids, fitted, strict=True)
  }
  # All clusterings of a layer normalize alike.
  vectors['features'] = [
      np.asarray(kmeans.normalize(clip, fitted[0])) for clip in frames
  ]
  errors = _abx(vectors, spoken, frame_seconds)
  return [
      Score(
          layer,
          len(found.centroids),
          errors.get('features'),
          errors.get(name),
          meanings[name],
      )
      for name, found in zip(ids, fitted, strict=True)
  ]


def _ids(
    frames: Sequence[Float[np.ndarray, '_ D']], fitted: KMeans
) -> list[np.ndarray]:
  # All at once: each length of its own would compile anew.
  ids = np.asarray(kmeans.assign(np.concatenate(frames), fitted))
  return np.split(ids, np.cumsum([len(clip) for clip in frames])[:-1])


def _abx(
    vectors: Mapping[str, Sequence[Float[np.ndarray, '_ D']]],
    spoken: Sequence[Speech],
    frame_seconds: float,
) -> dict[str, Abx]:
  if all(labels.are_pitches(speech.intervals) for speech in spoken):
    return {}
  candidates = {
      name: FrameFeatures(found, frame_seconds)
      for name, found in vectors.items()
  }
  return tokens_meaning.abx_errors(candidates, spoken)


def best(found: Sequence[Score]) -> Score:
  """The smallest error; of equals the first."""
  return min(found, key=lambda score: score.error)


def table(found: Sequence[Score]) -> str:
  """One row for each layer and K, in Markdown."""
  header = ['layer', 'K', 'ABX features', 'ABX centroids', 'PNMI', 'by chance']
  rows = [
      [
          score.layer,
          score.num_clusters,
          _errors(score.features),
          _errors(score.centroids),
          score.meaning.pnmi,
          score.meaning.pnmi_chance,
      ]
      for score in found
  ]
  return 'ABX is within / across speakers.\n\n' + tables.grid(header, rows)


def _errors(abx: Abx | None) -> str:
  if abx is None:
    return '-'
  pair = (abx.within, abx.across)
  return ' / '.join('-' if math.isnan(x) else f'{x:.3f}' for x in pair)
