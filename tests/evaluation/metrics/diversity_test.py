"""Tests `audiolm_jax/evaluation/metrics/diversity.py`."""

import numpy as np
import pytest

from audiolm_jax.evaluation.metrics import diversity

SAMPLE_RATE = 16000


def test_the_same_again_is_no_diversity(voice):
  assert diversity.of_sounds([voice] * 3, SAMPLE_RATE) == pytest.approx(
      0.0, abs=1e-5
  )
  assert diversity.of_tokens([np.arange(9)] * 3) == 0.0


def test_diversity_grows_as_samples_part(voice, other_voice):
  samples = [voice, 0.7 * voice + 0.3 * other_voice, other_voice]
  scores = [
      diversity.of_sounds([voice, sample], SAMPLE_RATE) for sample in samples
  ]
  assert scores == sorted(scores) and scores[2] > 0.5
  ids = np.arange(20)
  scores = []
  for changed in (0, 5, 20):
    other = ids.copy()
    other[:changed] += 100
    scores.append(diversity.of_tokens([ids, other]))
  assert scores == [0.0, 0.25, 1.0]


def test_all_pairs_count():
  one, other = np.zeros(4, int), np.ones(4, int)
  assert diversity.of_tokens([one, one, other]) == pytest.approx(2 / 3)


def test_silence_is_like_silence_alone(voice):
  silence = np.zeros_like(voice)
  assert diversity.of_sounds([silence, silence], SAMPLE_RATE) == 0.0
  assert diversity.of_sounds([silence, voice], SAMPLE_RATE) == 1.0


def test_one_sample_says_nothing(voice):
  assert np.isnan(diversity.of_sounds([voice], SAMPLE_RATE))
  assert np.isnan(diversity.of_tokens([np.arange(3)]))
