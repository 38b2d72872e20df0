"""Tests `audiolm_jax/evaluation/subjects/clips.py`."""

import collections

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolm_jax import audio
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation.subjects import clips

SAMPLE_RATE = 16000


def clip(name: str, seconds: float = 1.0) -> Clip:
  return Clip(name, seconds, 'test', 'toy', 'CC0-1.0')


def test_clips_are_padded_alike_and_trimmed_again(tmp_path):
  waveforms = [np.full(n, 0.5, np.float32) for n in (1000, 1700, 9000)]
  found = []
  for i, waveform in enumerate(waveforms):
    path = tmp_path / f'{i}.wav'
    audio.write(path, waveform, SAMPLE_RATE)
    found.append(clip(str(path)))
  loaded = clips.load(found, SAMPLE_RATE, max_seconds=0.25, multiple=640)
  assert loaded.waveforms.shape == (3, 4480)
  assert list(loaded.lengths) == [1000, 1700, 4000]
  for kept, waveform in zip(loaded.trimmed(), waveforms, strict=True):
    np.testing.assert_allclose(kept, waveform[:4000], atol=1e-4)
  assert loaded.seconds == 6700 / SAMPLE_RATE


def test_frames_that_reach_into_the_padding_are_dropped():
  loaded = clips.LoadedClips(
      [clip('a'), clip('b')], np.zeros((2, 1280)), np.array([1279, 1280]), 16000
  )
  rows = loaded.frames(np.arange(4).reshape(2, 2), hop_length=640)
  assert [list(row) for row in rows] == [[0], [2, 3]]


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(1, 100))
def test_choices_are_spread_over_the_manifest(length, count):
  places = clips.spread(length, count)
  assert len(places) == len(set(places)) == min(length, count)
  if len(places):
    assert places[0] == 0 and places[-1] >= length - 1 - length / count


def test_short_clips_are_not_chosen():
  found = [clip('a', 1.0), clip('b', 5.0), clip('c', 2.0)]
  assert [c.path for c in clips.choose(found, num_clips=5)] == ['b', 'c']
  with pytest.raises(UserError, match='None of 1 clips'):
    clips.choose(found[:1], num_clips=5)


@settings(deadline=None)
@given(st.integers(1, 30))
def test_batches_see_one_shape_and_rows_keep_their_order(num_rows):
  rows = np.arange(num_rows)[:, None] + np.arange(4)
  shapes = set()

  def function(rows, more):
    shapes.add(rows.shape)
    return rows * more

  result = clips.in_batches('Rows', function, rows, rows)
  np.testing.assert_array_equal(result, rows**2)
  assert shapes == {(clips.BATCH_SIZE, 4)}


SPOKEN = st.lists(
    st.sampled_from([None, 'ann', 'bob', 'cid']), min_size=1, max_size=12
)


@given(SPOKEN, st.integers(1, 14))
@settings(max_examples=60, deadline=None)
def test_speakers_take_turns(speakers, count):
  found = [
      clip(str(place))._replace(speaker=speaker)
      for place, speaker in enumerate(speakers)
  ]
  chosen = clips.in_turn(found, count)
  assert len(chosen) == min(count, len(found)) == len({*chosen})
  turns = collections.Counter()
  rounds = []
  for one in chosen:
    turns[one.speaker or one.path] += 1
    rounds.append(turns[one.speaker or one.path])
  assert rounds == sorted(rounds)
  assert clips.in_turn(found, len(found))[:count] == chosen


def test_a_seed_draws_clips_and_not_who_begins():
  found = [
      clip(f'{speaker}{number}')._replace(speaker=speaker)
      for speaker in 'cab'
      for number in range(9)
  ]
  drawn = [clips.drawn_in_turn(found, 6, seed) for seed in (0, 0, 1)]
  assert drawn[0] == drawn[1] != drawn[2]
  assert [one.speaker for one in drawn[2]] == list('abcabc')
