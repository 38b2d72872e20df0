"""Tests audiolm_jax/generation/stage_sampler.py."""

import itertools
import math
from fractions import Fraction

import pytest

from audiolm_jax.generation.stage_sampler import crop_and_step, spans


@pytest.mark.parametrize('start', [0, 3])
@pytest.mark.parametrize('end', [0, 3, 4, 13, 14])
def test_spans_cover_all_once(start, end):
  covered = [
      unit
      for first, stop in spans(start, end, 5)
      for unit in range(first, stop)
  ]
  assert covered == list(range(start, end))
  assert all(stop - first <= 5 for first, stop in spans(start, end, 5))


def test_spans_may_have_no_end():
  first = list(itertools.islice(spans(0, math.inf, 5), 3))
  assert first == [(0, 5), (5, 10), (10, 15)]


def test_a_window_of_audiolm_s_coarse_stage_carries_three_seconds_over():
  crop, step = crop_and_step(10.0, Fraction(25))
  assert (crop, crop - step) == (250, 75)


def test_a_crop_of_one_unit_makes_it():
  assert crop_and_step(0.01, Fraction(25)) == (1, 1)
