"""Tests audiolm_jax/tokens/crops.py."""

import hypothesis
import numpy as np
from hypothesis import strategies as st

from audiolm_jax.tokens import crops, stages
from audiolm_jax.tokens.fields import EOS
from audiolm_jax.tokens.stages import Sizes

SIZES = Sizes(6, 25.0, 9, 50.0, 4)


def recording(num_units: int, seed: int = 0):
  random = np.random.default_rng(seed)
  return {
      'semantic': random.integers(6, size=(num_units, 1)),
      'acoustic': random.integers(9, size=(2 * num_units, 4)),
  }


@hypothesis.given(st.integers(0, 200), st.integers(1, 40), st.integers(0, 99))
def test_random_crops_lie_in_the_recording(num_units, crop_units, seed):
  random = np.random.default_rng(seed)
  starts = crops.random_starts(num_units, crop_units, random)
  assert len(starts) == max(num_units // crop_units, 1)
  assert (starts >= 0).all()
  if num_units <= crop_units:
    assert not starts.any()
  else:
    assert (num_units - starts >= 3 * crop_units / 4).all()


def test_random_crops_reach_every_unit():
  random = np.random.default_rng(0)
  heard = np.zeros(50, int)
  for _ in range(200):
    for start in crops.random_starts(50, 12, random):
      heard[start : start + 12] += 1
  assert heard.all()


@hypothesis.given(st.integers(1, 60), st.integers(1, 20))
def test_all_crops_cover_each_unit_once_and_one_ends(num_units, crop_units):
  stage = stages.coarse(SIZES, 2)
  codes = recording(num_units)
  starts = crops.all_starts(num_units, crop_units).tolist()
  cuts = [crops.cut(stage, codes, start, crop_units) for start in starts]
  for source, whole in codes.items():
    pieces = [piece[source] for piece, _ in cuts]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
  assert [ends for _, ends in cuts] == [False] * (len(cuts) - 1) + [True]


@hypothesis.given(st.integers(1, 60), st.integers(1, 20), st.integers(0, 99))
def test_a_border_of_a_crop_is_no_end(num_units, crop_units, seed):
  stage = stages.semantic(SIZES)
  random = np.random.default_rng(seed)
  starts = crops.random_starts(num_units, crop_units, random)
  made = crops.examples(stage, recording(num_units), starts, crop_units)
  ends = starts + crop_units >= num_units
  np.testing.assert_array_equal((made.ids == EOS).sum(axis=1), ends)
  weighted = made.loss_weights[made.ids == EOS]
  assert (weighted == 1).all()


def test_long_recordings_end_often_enough_and_not_at_one_place():
  """A crop that may only touch the end would end once in 301, always last."""
  stage = stages.semantic(SIZES, deduplicate=False)
  random = np.random.default_rng(0)
  codes = recording(400)
  places = []
  for _ in range(500):
    starts = crops.random_starts(400, 100, random)
    made = crops.examples(stage, codes, starts, 100)
    places += np.argwhere(made.ids == EOS)[:, 1].tolist()
  assert len(places) > 2000 * 0.05
  assert len(set(places)) > 20


def test_repeats_are_dropped_after_the_crop_is_cut():
  stage = stages.coarse(SIZES, 1)
  codes = recording(6)
  codes['semantic'] = np.array([[0], [0], [0], [5], [5], [2]])
  made = crops.examples(stage, codes, np.array([1]), 3)
  ids = made.ids[0].tolist()
  # Two frames of 0 and one of 5 make two ids; their six acoustic frames stay.
  assert ids[:3] == [2, 7, 0]
  target = stage.target.unflatten(np.array(ids[3:]))
  np.testing.assert_array_equal(target, codes['acoustic'][2:8, :1])


def test_fine_crops_may_start_between_semantic_frames():
  stage = stages.fine(SIZES, 2)
  codes = recording(6)
  made = crops.examples(stage, codes, np.array([3]), 4)
  assert crops.num_units(stage, codes) == 12
  assert stage.prefix[0].unflatten(made.ids[0]).shape == (4, 2)


def test_a_recording_without_a_whole_unit_has_no_crop_to_evaluate():
  assert not len(crops.all_starts(0, 5))
