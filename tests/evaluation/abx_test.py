"""Tests `audiolm_jax/evaluation/abx.py`."""

import numpy as np
import pytest

from audiolm_jax.evaluation import abx
from audiolm_jax.evaluation.labels import Interval

RATE = 25.0


def items(phones: str, speaker: str = 's') -> list[abx.Item]:
  """One clip a phone: `k PHONE t`, 0.2 s each."""
  return [
      item
      for clip, phone in enumerate(phones)
      for item in abx.items_of(
          [
              Interval(0.2 * i, 0.2 * i + 0.2, label)
              for i, label in enumerate(('k', phone, 't'))
          ],
          clip,
          speaker,
      )
  ]


def clips(phones: str, spread: float, seed: int = 0) -> list[np.ndarray]:
  """Fifteen frames around a direction that belongs to the phone."""
  random = np.random.default_rng(seed)
  directions = {'a': [1, 0, 0], 'i': [0, 1, 0], 'u': [0, 0, 1]}
  return [
      directions[phone] + spread * random.standard_normal((15, 3))
      for phone in phones
  ]


PHONES = 'aaaiiiuuu'


def test_phones_apart_give_no_error_and_noise_gives_chance():
  clean = abx.within(clips(PHONES, 0.01), items(PHONES), RATE)
  some = abx.within(clips(PHONES, 1.2), items(PHONES), RATE)
  assert clean.error == 0.0
  assert clean.num_pairs == clean.num_cells == 6
  assert 0.0 < some.error < 0.5


def test_features_without_content_give_chance():
  same = [np.ones((15, 3))] * len(PHONES)
  assert abx.within(same, items(PHONES), RATE).error == 0.5
  errors = [
      abx.within(clips('aaaaaa', 1.0, seed), items('aaaiii'), RATE).error
      for seed in range(40)
  ]
  assert np.mean(errors) == pytest.approx(0.5, abs=0.08)


def test_swapped_labels_are_worse_than_chance():
  # X is at 0 from the B that sounds like it, and as far from A as from the
  # other B: one half of the comparisons lost, one half tied.
  features = clips('aiai', spread=0.0)
  assert abx.within(features, items('aaii'), RATE).error == 0.75


def test_other_contexts_and_speakers_do_not_meet():
  mixed = items('ai')
  mixed[1] = mixed[1]._replace(speaker='other')
  assert np.isnan(abx.within(clips('ai', 0.1), mixed, RATE).error)
  apart = items('aai')
  apart[2] = apart[2]._replace(context=('p', 't'))
  assert abx.within(clips('aai', 0.1), apart, RATE).num_cells == 0


def test_a_single_token_of_a_phone_is_only_a_distractor():
  result = abx.within(clips('aai', 0.01), items('aai'), RATE)
  assert (result.num_pairs, result.error) == (1, 0.0)


def test_a_gap_breaks_a_triphone():
  spoken = [Interval(0, 1, 'k'), Interval(1, 2, 'a'), Interval(2.1, 3, 't')]
  assert abx.items_of(spoken, 0, 's') == []


def test_all_zero_frames_are_far_from_others_and_near_each_other():
  silent = [np.zeros((15, 3)), np.zeros((15, 3)), np.ones((15, 3))]
  assert abx.within(silent, items('aai'), RATE).error == 0.0


def test_large_groups_are_subsampled_the_same_way_every_time():
  many = 'a' * 30 + 'i' * 30
  features = clips(many, 1.0)
  runs = [abx.within(features, items(many), RATE, seed=3) for _ in range(2)]
  assert runs[0] == runs[1]
  assert runs[0] != abx.within(features, items(many), RATE, seed=4)
