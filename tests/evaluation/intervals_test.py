"""Tests audiolm_jax/evaluation/intervals.py."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolm_jax.evaluation import intervals

finite = st.floats(-100, 100)


def test_a_mean_is_that_of_clips_and_a_ratio_that_of_sums():
  assert intervals.mean([1, 2, 6], 'aab').value == 3.0
  assert intervals.ratio([1, 0], [4, 6], 'ab').value == pytest.approx(0.1)


@settings(deadline=None, max_examples=30)
@given(st.lists(finite, min_size=2, max_size=8), st.integers(0, 9))
def test_a_seed_reproduces_the_interval_and_it_holds_the_value(values, seed):
  groups = range(len(values))
  figure = intervals.mean(values, groups, seed)
  assert figure == intervals.mean(values, groups, seed)
  assert min(values) - 1e-9 <= figure.low <= figure.high
  assert figure.high <= max(values) + 1e-9


def test_the_interval_is_that_of_scipy_where_each_clip_is_a_speaker():
  values = np.random.default_rng(0).normal(size=60)
  ours = intervals.mean(values, range(60))
  theirs = scipy.stats.bootstrap(
      [values], np.mean, method='percentile', n_resamples=4000, rng=1
  ).confidence_interval
  width = theirs.high - theirs.low
  assert ours.low == pytest.approx(theirs.low, abs=0.1 * width)
  assert ours.high == pytest.approx(theirs.high, abs=0.1 * width)


def test_many_clips_of_few_speakers_promise_less_than_of_many():
  speakers = np.repeat(np.arange(4), 25)
  values = speakers + np.random.default_rng(0).normal(scale=0.1, size=100)
  few = intervals.mean(values, speakers)
  many = intervals.mean(values, range(100))
  assert few.high - few.low > 3 * (many.high - many.low)
  assert (few.num_clips, few.num_groups, many.num_groups) == (100, 4, 100)


def test_one_speaker_gives_no_interval_and_no_clip_no_figure():
  alone = intervals.mean([1.0, 2.0], 'aa')
  assert alone.value == 1.5 and math.isnan(alone.low)
  assert math.isnan(intervals.mean([math.nan], 'a').value)


def test_what_is_undefined_for_a_clip_does_not_count():
  figure = intervals.mean([1.0, math.nan, 3.0], 'abc')
  assert figure.value == 2.0 and figure.num_clips == 2
