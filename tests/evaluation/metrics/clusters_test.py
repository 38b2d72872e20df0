"""Tests `audiolm_jax/evaluation/metrics/clusters.py`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolm_jax.evaluation.metrics import clusters


def phones(num_frames: int, num_phones: int, seed: int) -> np.ndarray:
  """Runs of five frames of one phone each."""
  random = np.random.default_rng(seed)
  runs = random.integers(0, num_phones, num_frames // 5)
  return np.repeat(runs, 5).astype(str).astype(object)


def test_ids_that_are_the_labels_tell_everything():
  labels = phones(2000, 10, seed=0)
  result = clusters.score([labels.astype(int) + 7], [labels])
  assert result.pnmi == pytest.approx(1.0)
  assert result.purity == 1.0
  assert result.num_ids == result.num_labels == 10


def test_labels_of_another_recording_tell_no_more_than_chance():
  ids = phones(20_000, 10, seed=1).astype(int)
  result = clusters.score([ids], [phones(20_000, 10, seed=2)])
  assert result.pnmi == pytest.approx(result.pnmi_chance, abs=0.01)
  assert result.purity < result.majority + 0.05


def test_shuffled_labels_tell_almost_nothing():
  labels = phones(20_000, 10, seed=0)
  shuffled = np.random.default_rng(0).permutation(labels)
  assert clusters.score([labels.astype(int)], [shuffled]).pnmi < 0.01


def test_more_mistaken_ids_tell_less():
  labels = phones(5000, 10, seed=0)
  random = np.random.default_rng(1)
  noise, draw = random.integers(0, 10, 5000), random.uniform(size=5000)
  scores = [
      clusters.score(
          [np.where(draw < share, noise, labels.astype(int))], [labels]
      )
      for share in (0.0, 0.2, 0.5, 1.0)
  ]
  assert [s.pnmi for s in scores] == sorted(s.pnmi for s in scores)[::-1]
  assert [s.purity for s in scores] == sorted(s.purity for s in scores)[::-1]


def test_unlabelled_frames_do_not_count():
  labels = phones(1000, 5, seed=0)
  ids = labels.astype(int)
  labels[500:] = ''
  ids[500:] = 3
  result = clusters.score([ids], [labels])
  assert result.num_frames == 500
  assert result.pnmi == pytest.approx(1.0)


@settings(deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 50), min_size=3, max_size=3), min_size=2)
)
def test_pnmi_lies_between_nothing_and_everything(counts):
  counts = np.array(counts) + np.eye(len(counts), 3, dtype=int)
  assert -1e-9 <= clusters.pnmi(counts) <= 1 + 1e-9


def test_pnmi_of_a_hand_case():
  # Label entropy ln 2; id 0 fixes the label, id 1 says nothing.
  counts = np.array([[2, 0], [0, 0], [1, 3]])
  share = np.array([2, 1, 3]) / 6
  information = (
      share[0] * np.log(share[0] / (2 / 6 * 3 / 6))
      + share[1] * np.log(share[1] / (4 / 6 * 3 / 6))
      + share[2] * np.log(share[2] / (4 / 6 * 3 / 6))
  )
  assert clusters.pnmi(counts) == pytest.approx(information / np.log(2))
