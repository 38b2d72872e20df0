"""Tests audiolm_jax/classifier/batches.py and labels.py."""

import collections

import numpy as np
import pytest

from audiolm_jax.classifier import labels
from audiolm_jax.classifier.batches import LabelledBatches
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError

from . import tiny


def batches(clips, **fields):
  settings = dict(
      classes=tiny.LABELS,
      field='origin',
      sample_rate=tiny.RATE,
      crop_seconds=0.5,
      batch_size=16,
      seed=3,
  )
  return LabelledBatches(clips, **(settings | fields))


def is_low(waveform):
  crossings = np.diff(np.sign(waveform), axis=1) != 0
  return crossings.mean(axis=1) < 0.2


def test_labels_are_those_of_the_crops(tmp_path):
  found = next(batches(tiny.clips(tmp_path), chances=()))
  np.testing.assert_array_equal(is_low(found['waveform']), found['label'] == 1)
  assert found['label'].dtype == np.int32


def test_a_class_of_few_seconds_is_drawn_as_often_as_the_other(tmp_path):
  clips = tiny.clips(tmp_path, (1.0, 3.0, 3.0, 3.0))
  # One second of originals, ten of the others.
  clips = [clip for clip in clips if clip.origin != 'original'] + clips[:1]
  drawn = next(batches(clips, batch_size=200, chances=()))
  assert 75 < drawn['label'].sum() < 125


def test_a_batch_follows_from_seed_and_step_and_hosts_share_it(tmp_path):
  clips = tiny.clips(tmp_path)
  stream, again = batches(clips), batches(clips)
  next(stream), next(again)
  state = stream.get_state()
  second = next(stream)
  np.testing.assert_array_equal(second['waveform'], next(again)['waveform'])
  shards = []
  for index in range(2):
    shard = batches(clips, shard_index=index, num_shards=2)
    shard.set_state(state)
    shards.append(next(shard))
  for name in ('waveform', 'label'):
    joined = np.concatenate([shard[name] for shard in shards])
    np.testing.assert_array_equal(joined, second[name])


def test_distortions_are_applied_to_crops(tmp_path):
  clips = tiny.clips(tmp_path)
  plain = next(batches(clips, chances=()))['waveform']
  changed = next(batches(clips))['waveform']
  same = [np.array_equal(a, b) for a, b in zip(plain, changed, strict=True)]
  assert 0 < sum(same) < len(same)


def test_clips_without_a_label_or_of_another_class_are_named(tmp_path):
  clips = tiny.clips(tmp_path)
  with pytest.raises(UserError, match='original-0.wav has no piece'):
    batches(clips, field='piece')
  with pytest.raises(UserError, match='generated is no class'):
    batches(clips, classes=('original',))


def test_a_closed_set_has_every_speaker_on_both_sides_and_no_clip_twice():
  clips = [
      Clip(f'/x/{speaker}/{i}.wav', 1.0, 'train', '', '', speaker)
      for speaker, count in (('a', 2), ('b', 20), ('c', 31), ('d', 1))
      for i in range(count)
  ]
  sides = [labels.closed_set(clips, held_out) for held_out in (False, True)]
  counts = [collections.Counter(clip.speaker for clip in s) for s in sides]
  assert counts[1] == {'a': 1, 'b': 2, 'c': 4}
  assert counts[0] == {'a': 1, 'b': 18, 'c': 27, 'd': 1}
  assert sorted(sides[0] + sides[1]) == sorted(clips)
  moved = [clip._replace(path=f'/y{clip.path[2:]}') for clip in clips[::-1]]
  names = {clip.path[2:] for clip in labels.closed_set(moved, True)}
  assert names == {clip.path[2:] for clip in sides[1]}
  assert labels.speakers(clips) == ('a', 'b', 'c', 'd')
