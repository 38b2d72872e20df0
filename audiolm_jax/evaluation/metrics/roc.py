"""Correctness of a detector's answers: its accuracy, its ROC curve."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from audiolm_jax.evaluation import intervals
from audiolm_jax.evaluation.intervals import Figure


class Judged(NamedTuple):
  """Clips and what a detector says of them.

  Attributes:
    scores: Probability that each was generated.
    generated: Whether it was.
    groups: Speaker or piece of each.
  """

  scores: Float[np.ndarray, ' N']
  generated: Bool[np.ndarray, ' N']
  groups: Sequence[str]

  def only(self, chosen: Bool[np.ndarray, ' N']) -> 'Judged':
    """Some of them."""
    groups = [
        group for group, keep in zip(self.groups, chosen, strict=True) if keep
    ]
    return Judged(self.scores[chosen], self.generated[chosen], groups)


class Roc(NamedTuple):
  """Rates of a detector at all its thresholds.

  Attributes:
    false_alarms: Share of originals called generated, ascending from 0 to 1.
    hits: Share of generated clips found there.
    auc: Area under the curve: how often a generated clip has a higher score
      than an original, ties counting half.
  """

  false_alarms: Float[np.ndarray, ' T']
  hits: Float[np.ndarray, ' T']
  auc: float


def accuracy(judged: Judged, seed: int = 0) -> Figure:
  """The accuracy in percent at one half, both classes counting alike."""
  right = (judged.scores >= 0.5) == judged.generated
  rows = np.stack([right, judged.generated], axis=-1).astype(float)

  def statistic(chosen: Float[np.ndarray, 'M 2']) -> float:
    of_class = [chosen[chosen[:, 1] == each, 0] for each in (0, 1)]
    # Speakers drawn by chance may have clips of one class only.
    return 100 * float(np.mean([rows.mean() for rows in of_class if len(rows)]))

  return intervals.bootstrap(rows, judged.groups, statistic, seed)


def roc(judged: Judged) -> Roc:
  """The curve over all thresholds.

  Raises:
    ValueError: One of the classes is missing.
  """
  num_generated = int(judged.generated.sum())
  num_originals = len(judged.generated) - num_generated
  if not num_generated or not num_originals:
    raise ValueError('A ROC curve needs originals and generated clips.')
  order = np.argsort(-judged.scores, kind='stable')
  scores, generated = judged.scores[order], judged.generated[order]
  # Clips of the same score are called the same: a threshold lies behind them.
  last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
  hits = np.append(0, generated.cumsum()[last]) / num_generated
  false_alarms = np.append(0, (~generated).cumsum()[last]) / num_originals
  area = float(np.trapezoid(hits, false_alarms))
  return Roc(false_alarms, hits, area)
