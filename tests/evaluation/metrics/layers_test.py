"""Tests `audiolm_jax/evaluation/metrics/layers.py`."""

import numpy as np
import pytest

from audiolm_jax.evaluation.metrics import layers
from audiolm_jax.evaluation.metrics.labels import Interval
from audiolm_jax.evaluation.metrics.triphones import Speech
from audiolm_jax.nn import kmeans

FRAME_SECONDS = 0.04


def spoken(seed: int, names: str) -> Speech:
  """Thirty phones of 0.2 s; two speakers take turns."""
  said = np.random.default_rng(seed).choice(list(names), 30)
  intervals = [
      Interval(0.2 * i, 0.2 * i + 0.2, str(ord(n)) if n.isupper() else n)
      for i, n in enumerate(said)
  ]
  return Speech(intervals, speaker=f'{seed % 2}')


def frames(speech: Speech, spread: float) -> np.ndarray:
  """Five a phone, around a direction of its own."""
  places = [hash_of(interval.label) for interval in speech.intervals]
  random = np.random.default_rng(0)
  noise = spread * random.standard_normal((5 * len(places), 3))
  return np.eye(3)[np.repeat(places, 5)] + noise


def hash_of(label: str) -> int:
  return 'aiu'.index(label) if label in 'aiu' else int(label) % 3


def scores(layer: int, spread: float, names: str = 'aiu'):
  clips = [spoken(seed, names) for seed in range(6)]
  heard = [frames(clip, spread).astype(np.float32) for clip in clips]
  fitted = [kmeans.fit([np.concatenate(heard)], size) for size in (3, 8)]
  return layers.scores(layer, heard, clips, fitted, FRAME_SECONDS)


@pytest.mark.parametrize('names', ['aiu', 'ABC'])
def test_the_layer_that_follows_phones_or_notes_is_chosen(names):
  found = scores(0, 3.0, names) + scores(1, 0.1, names) + scores(2, 1.0, names)
  assert [(s.layer, s.num_clusters) for s in found] == [
      (layer, size) for layer in range(3) for size in (3, 8)
  ]
  chosen = layers.best(found)
  assert chosen.layer == 1 and chosen.meaning.pnmi > 0.95
  assert chosen.error < 0.3 < found[0].error
  assert layers.table(found).count('\n| ') == 1 + 1 + 6


def test_notes_have_no_abx():
  [first, _] = scores(0, 0.1, 'ABC')
  assert first.features is first.centroids is None


def test_both_kinds_of_abx_count():
  [first, _] = scores(0, 1.0)
  expected = (first.centroids.within + first.centroids.across) / 2
  assert first.error == pytest.approx(expected)
  nan = first.centroids._replace(across=float('nan'))
  assert first._replace(centroids=nan).error == first.centroids.within
