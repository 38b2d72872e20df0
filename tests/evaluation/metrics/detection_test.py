"""Tests audiolm_jax/evaluation/metrics/detection.py."""

import itertools

import numpy as np
import pytest
from sklearn import metrics

from audiolm_jax.classifier import distortions
from audiolm_jax.evaluation.metrics import detection
from audiolm_jax.evaluation.metrics.detection import Judged, Sample


def judged(num=60, shift=1.0, seed=0, decimals=1):
  rng = np.random.default_rng(seed)
  generated = rng.random(num) < 0.4
  scores = rng.normal(size=num) + shift * generated
  # Rounded, so that there are ties.
  scores = np.round(1 / (1 + np.exp(-scores)), decimals)
  return Judged(scores, generated, [f's{i % 6}' for i in range(num)])


@pytest.mark.parametrize('seed', range(5))
def test_curve_and_area_are_scikit_learns(seed):
  clips = judged(seed=seed)
  found = detection.roc(clips)
  area = metrics.roc_auc_score(clips.generated, clips.scores)
  assert found.auc == pytest.approx(area)
  false_alarms, hits, _ = metrics.roc_curve(
      clips.generated, clips.scores, drop_intermediate=False
  )
  np.testing.assert_allclose(found.false_alarms, false_alarms)
  np.testing.assert_allclose(found.hits, hits)


def test_accuracy_counts_both_classes_alike():
  clips = judged()
  called = clips.scores >= 0.5
  expected = 100 * metrics.balanced_accuracy_score(clips.generated, called)
  found = detection.accuracy(clips)
  assert found.value == pytest.approx(expected)
  assert found.low < found.value < found.high
  assert (found.num_clips, found.num_groups) == (60, 6)
  assert found == detection.accuracy(clips)


def test_less_separated_scores_and_shuffled_truths_are_worse():
  shifts = [judged(600, shift) for shift in (6.0, 2.0, 0.5)]
  for measure in (lambda c: detection.roc(c).auc, detection.accuracy):
    values = [measure(clips) for clips in shifts]
    assert values == sorted(values, reverse=True)
  truth = np.random.default_rng(1).permutation(shifts[0].generated)
  shuffled = shifts[0]._replace(generated=truth)
  assert detection.roc(shuffled).auc == pytest.approx(0.5, abs=0.07)


def test_a_curve_needs_both_classes():
  one = judged()._replace(generated=np.ones(60, bool))
  with pytest.raises(ValueError, match='originals'):
    detection.roc(one)


def samples(num=40):
  """Continuations are twice as loud as originals."""
  rng = np.random.default_rng(0)
  ways = itertools.cycle(['codec', 'parallel', 'codec', 'autoregressive'])
  return [
      Sample(
          0.1 * (1 + i % 2) * rng.normal(size=400), i % 2 == 1, way, f's{i % 4}'
      )
      for i, way in zip(range(num), ways, strict=False)
  ]


def is_loud(sound):
  assert sound.sample_rate == 16000
  return float(np.std(sound.samples) > 0.15)


def test_a_distortion_hurts_a_detector_that_listens_to_the_level():
  under = {'soft': distortions.gain(-6.0, -6.0)}
  recording = Sample(np.zeros(400), False, detection.RECORDING, 's0')
  found = detection.measure(is_loud, [*samples(), recording], 16000, under)
  accuracies = {
      name: detection.accuracy(clips).value for name, clips in found.items()
  }
  assert accuracies == {
      'all continuations': 100,
      'only autoregressive ones': 100,
      'only parallel ones': 100,
      'originals that no codec touched': 100,
      'soft': 50,
  }
  counts = [len(clips.scores) for clips in found.values()]
  assert counts == [40, 30, 30, 1, 40]


def test_the_table_has_the_papers_rows_and_says_what_it_cannot():
  clips = judged()
  originals = clips.only(~clips.generated)
  found = detection.table({'all': clips, 'originals': originals}, 'detector')
  assert [row[0] for row in found.rows[:2]] == ['all', 'originals']
  assert found.rows[1][2] is None and found.rows[1][5] is None
  assert found.rows[1][1] == found.rows[1][4].num_clips == len(originals.scores)
  assert [row[2] for row in found.rows[2:]] == [98.6, 98.5]
  assert all(len(row) == len(found.header) for row in found.rows)
