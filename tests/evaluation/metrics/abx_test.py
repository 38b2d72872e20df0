"""Tests `audiolm_jax/evaluation/metrics/abx.py` and triphones.py beside it."""

import numpy as np
import pytest

from audiolm_jax.evaluation.metrics import abx, triphones
from audiolm_jax.evaluation.metrics.labels import Interval
from audiolm_jax.evaluation.metrics.triphones import Speech

RATE = 25.0
DIRECTIONS = {'a': [1, 0, 0], 'i': [0, 1, 0], 'u': [0, 0, 1]}


def word(phone: str, speaker: str = 's', context: str = 'kt', source: str = ''):
  """`k PHONE t`, 0.2 s each."""
  phones = (context[0], phone, context[1])
  intervals = [
      Interval(0.2 * i, 0.2 * i + 0.2, label) for i, label in enumerate(phones)
  ]
  return Speech(intervals, speaker, source)


def words(phones: str, speaker: str = 's') -> list[Speech]:
  return [word(phone, speaker) for phone in phones]


def clips(phones: str, spread: float, seed: int = 0) -> list[np.ndarray]:
  """Fifteen frames around a direction that belongs to the phone."""
  random = np.random.default_rng(seed)
  return [
      DIRECTIONS[phone] + spread * random.standard_normal((15, 3))
      for phone in phones
  ]


PHONES = 'aaaiiiuuu'


def test_phones_apart_give_no_error_and_noise_gives_chance():
  clean = abx.errors(clips(PHONES, 0.01), words(PHONES), RATE)
  some = abx.errors(clips(PHONES, 1.2), words(PHONES), RATE)
  assert (clean.within, clean.num_within) == (0.0, 6)
  assert 0.0 < some.within < 0.5


def test_features_without_content_give_chance():
  same = [np.ones((15, 3))] * len(PHONES)
  assert abx.errors(same, words(PHONES), RATE).within == 0.5
  errors = [
      abx.errors(clips('aaaaaa', 1.0, seed), words('aaaiii'), RATE).within
      for seed in range(40)
  ]
  assert np.mean(errors) == pytest.approx(0.5, abs=0.08)


def test_swapped_labels_are_worse_than_chance():
  # X is at 0 from the B that sounds like it, and as far from A as from the
  # other B: one half of the comparisons lost, one half tied.
  features = clips('aiai', spread=0.0)
  assert abx.errors(features, words('aaii'), RATE).within == 0.75


def test_one_speaker_says_nothing_of_others():
  found = abx.errors(clips(PHONES, 0.1), words(PHONES), RATE)
  assert np.isnan(found.across) and found.num_across == 0


def test_across_x_is_of_another_speaker():
  """By hand: what is said of one speaker's a is heard near the other's i."""
  spoken = words('ai', 'one') + words('a', 'two')
  found = abx.errors(clips('aia', 0.0), spoken, RATE)
  # Only speaker one has both phones, and only `a` has an X.
  assert (found.across, found.num_across, found.num_within) == (0.0, 1, 0)
  found = abx.errors(clips('aii', 0.0), spoken, RATE)
  assert found.across == 1.0


def test_voices_that_differ_more_than_phones_are_heard_across_alone():
  """Each speaker is at a place of its own, phones a little apart in it."""
  random = np.random.default_rng(0)
  voices = {'one': [5, 0, 0, 0, 0], 'two': [0, 5, 0, 0, 0]}
  phones = {'a': [0, 0, 1, 0, 0], 'i': [0, 0, 0, 1, 0]}
  spoken = [word(p, v) for v in voices for p in phones for _ in range(4)]
  features = [
      np.array(voices[said.speaker])
      + np.array(phones[said.intervals[1].label])
      + 0.9 * random.standard_normal((15, 5))
      for said in spoken
  ]
  found = abx.errors(features, spoken, RATE)
  assert found.num_within == found.num_across == 4
  assert found.within + 0.05 < found.across < 0.5


def test_every_other_speaker_counts_alike():
  spoken = words('ai', 'one') + words('aaa', 'two') + words('a', 'three')
  found = abx.errors(clips('aiaaai', 0.0), spoken, RATE)
  assert found.across == 0.5


def test_contexts_and_sources_do_not_meet():
  near = clips('aai', 0.01)
  for other in (word('i', context='pt'), word('i', source='elsewhere')):
    found = abx.errors(near, [*words('aa'), other], RATE)
    assert found.num_within == found.num_across == 0


def test_a_single_token_of_a_phone_is_only_a_distractor():
  found = abx.errors(clips('aai', 0.01), words('aai'), RATE)
  assert (found.num_within, found.within) == (1, 0.0)


def test_a_gap_breaks_a_triphone():
  spoken = [Interval(0, 1, 'k'), Interval(1, 2, 'a'), Interval(2.1, 3, 't')]
  assert triphones.of_clip(Speech(spoken, 's'), 0) == []


def test_all_zero_frames_are_far_from_others_and_near_each_other():
  silent = [np.zeros((15, 3)), np.zeros((15, 3)), np.ones((15, 3))]
  assert abx.errors(silent, words('aai'), RATE).within == 0.0


def test_large_groups_are_subsampled_the_same_way_every_time():
  many = 'a' * 30 + 'i' * 30
  features = clips(many, 1.0)
  runs = [abx.errors(features, words(many), RATE, seed=3) for _ in range(2)]
  assert runs[0].within == runs[1].within
  other = abx.errors(features, words(many), RATE, seed=4)
  assert runs[0].within != other.within
