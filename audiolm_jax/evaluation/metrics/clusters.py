"""Agreement of frame ids with labels: PNMI and purity (HuBERT s. IV)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from audiolm_jax.evaluation.metrics.labels import UNLABELLED
from audiolm_jax.evaluation.metrics.reconstruction import entropy

NUM_ROTATIONS = 5


class Meaning(NamedTuple):
  """Measures of how well ids tell labels.

  Attributes:
    pnmi: Mutual information of id and label over the label's entropy: the
      share of the uncertainty about a label that its frame's id removes.
    pnmi_chance: PNMI with the labels moved against the ids, which few frames
      and many ids give for nothing. Compare PNMIs of one K and one clip set.
    purity: Share of frames whose label is their id's commonest.
    majority: Share of the commonest label, which is purity's floor.
    num_frames: Labelled frames.
    num_ids: Distinct ids seen.
    num_labels: Distinct labels seen.
  """

  pnmi: float
  pnmi_chance: float
  purity: float
  majority: float
  num_frames: int
  num_ids: int
  num_labels: int


def score(
    ids: Sequence[Int[np.ndarray, ' T']],
    labels: Sequence[np.ndarray],
    seed: int = 0,
) -> Meaning:
  """Scores the ids of each clip against the labels of the same frames.

  Args:
    ids: One id a frame, for each clip.
    labels: One string a frame, for each clip; UNLABELLED frames do not count.
    seed: Seed of the chance level's rotations.

  Returns:
    NaN where no frame is labelled.
  """
  all_ids, all_labels = np.concatenate(ids), np.concatenate(labels)
  counted = all_labels != UNLABELLED
  if not counted.any():
    return Meaning(*[float('nan')] * 4, 0, 0, 0)
  id_ranks = _ranks(all_ids[counted])
  label_ranks = _ranks(all_labels[counted].astype(str))
  counts = contingency(id_ranks, label_ranks)
  return Meaning(
      pnmi=pnmi(counts),
      pnmi_chance=_chance(id_ranks, label_ranks, seed),
      purity=float(counts.max(axis=1).sum() / counts.sum()),
      majority=float(counts.sum(axis=0).max() / counts.sum()),
      num_frames=int(counted.sum()),
      num_ids=counts.shape[0],
      num_labels=counts.shape[1],
  )


def contingency(
    ids: Int[np.ndarray, ' T'], labels: Int[np.ndarray, ' T']
) -> Int[np.ndarray, 'K Y']:
  """Counts how often each id meets each label."""
  counts = np.zeros((ids.max() + 1, labels.max() + 1), np.int64)
  np.add.at(counts, (ids, labels), 1)
  return counts


def pnmi(counts: Int[np.ndarray, 'K Y']) -> float:
  """I(id; label) / H(label); 1 where there is only one label."""
  label_entropy = entropy(counts.sum(axis=0))
  if label_entropy == 0:
    return 1.0
  id_entropy = entropy(counts.sum(axis=1))
  information = id_entropy + label_entropy - entropy(counts.reshape(-1))
  return float(information / label_entropy)


def _chance(
    ids: Int[np.ndarray, ' T'], labels: Int[np.ndarray, ' T'], seed: int
) -> float:
  # A rotation keeps the run lengths of both sides; a shuffle would not, and
  # would put the floor too low.
  random = np.random.default_rng(seed)
  shifts = random.integers(len(ids) // 4, len(ids) * 3 // 4 + 1, NUM_ROTATIONS)
  values = [pnmi(contingency(ids, np.roll(labels, s))) for s in shifts]
  return float(np.mean(values))


def _ranks(values: np.ndarray) -> Int[np.ndarray, ' T']:
  return np.unique(values, return_inverse=True)[1].reshape(-1)
