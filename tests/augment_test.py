"""Tests of batches that change as they are drawn."""

import functools
import json

import numpy as np
import pytest

from audiolm_jax import audio
from audiolm_jax.augment import AugmentedBatches
from audiolm_jax.changes import Changes
from audiolm_jax.corpus import AudioBatches, Clip
from tests.changes_test import ALL, NONE

RATE = 4000
SECONDS = 0.5


@pytest.fixture(name='clips')
def fixture_clips(tmp_path):
  """Three of them are shorter than a crop."""
  draws, found = np.random.default_rng(0), []
  for number, seconds in enumerate((0.1, 0.3, 0.55, 2.0, 3.0)):
    path = tmp_path / f'{number}.wav'
    audio.write(path, 0.1 * draws.standard_normal(round(seconds * RATE)), RATE)
    found.append(Clip(str(path), seconds, 'train', 'test', 'CC0-1.0'))
  return found


def plain(clips, **fields):
  settings = {'crop_seconds': SECONDS, 'batch_size': 8, 'seed': 3}
  return AudioBatches(clips, sample_rate=RATE, **settings | fields)


def augmented(clips, made_by=ALL, seed=5, **fields):
  return AugmentedBatches(
      functools.partial(plain, clips), RATE, SECONDS, seed, made_by, **fields
  )


def assert_equal_batches(left, right):
  assert left.keys() == right.keys()
  for name in left:
    np.testing.assert_array_equal(left[name], right[name])


def test_without_changes_they_are_the_plain_batches(clips):
  one, two = augmented(clips, NONE), plain(clips)
  for _ in range(4):
    assert_equal_batches(next(one), next(two))


def test_batch_n_is_the_same_in_every_run_and_no_other(clips):
  one, two = augmented(clips), augmented(clips)
  batches = [next(one) for _ in range(4)]
  for batch in batches:
    assert_equal_batches(next(two), batch)
  other = next(augmented(clips, seed=6))
  assert not np.allclose(other['waveform'], batches[0]['waveform'])
  assert not np.allclose(batches[1]['waveform'], batches[0]['waveform'])


def test_a_resumed_run_is_the_straight_one(clips):
  straight = augmented(clips)
  expected = [next(straight) for _ in range(6)]
  stopped = augmented(clips)
  for _ in range(3):
    next(stopped)
  resumed = augmented(clips)
  next(resumed)  # What was made ahead must be forgotten.
  resumed.set_state(json.loads(json.dumps(stopped.get_state())))
  for batch in expected[3:]:
    assert_equal_batches(next(resumed), batch)


def test_a_plain_run_goes_on_with_changes(clips):
  first = plain(clips)
  next(first)
  data = augmented(clips, NONE)
  data.set_state(first.get_state())
  assert_equal_batches(next(data), next(first))


@pytest.mark.parametrize('num_shards', [2, 4])
def test_shards_side_by_side_are_the_whole_batch(clips, num_shards):
  whole = augmented(clips)
  shards = [
      augmented(clips, shard_index=index, num_shards=num_shards)
      for index in range(num_shards)
  ]
  for _ in range(2):
    parts = [next(shard) for shard in shards]
    joined = {
        name: np.concatenate([part[name] for part in parts])
        for name in parts[0]
    }
    assert_equal_batches(joined, next(whole))


def test_lengths_are_those_of_the_sound(clips):
  data = augmented(clips)
  lengths = set()
  for _ in range(20):
    batch = next(data)
    assert batch['waveform'].shape == (8, round(RATE * SECONDS))
    assert batch['waveform'].dtype == np.float32
    assert batch['length'].dtype == np.int32
    for row, length in zip(batch['waveform'], batch['length'], strict=True):
      assert not row[length:].any()
      assert row[:length].any() and np.abs(row).max() <= 1.0
    lengths.update(batch['length'].tolist())
  # Long clips fill the crop even if they are read faster.
  assert max(lengths) == RATE * SECONDS and len(lengths) > 5


def test_the_longest_crop_is_read_that_a_faster_voice_needs(clips):
  faster = Changes(pitch=(1.18, 1.18), pitch_share=1.0)
  data = augmented(clips[3:], faster)
  assert (next(data)['length'] == RATE * SECONDS).all()


def test_what_else_is_in_a_batch_stays(clips):
  class Labelled(AudioBatches):

    def __next__(self):
      batch = super().__next__()
      return batch | {'label': np.arange(len(batch['length']))}

  make = functools.partial(
      Labelled, clips, sample_rate=RATE, batch_size=8, seed=3
  )
  batch = next(AugmentedBatches(make, RATE, SECONDS, 5, ALL))
  np.testing.assert_array_equal(batch['label'], np.arange(8))


def test_every_row_of_every_batch_gets_its_own(clips):
  """With one clip, as long as a crop: without changes all rows are equal."""
  made_by = Changes(pitch_share=0.0)
  whole = [clips[0]._replace(seconds=0.1)]
  data = AugmentedBatches(
      functools.partial(plain, whole), RATE, 0.1, 5, made_by
  )
  rows = np.concatenate([next(data)['waveform'] for _ in range(3)])
  assert len(np.unique(rows, axis=0)) == len(rows)
