"""Tests audiolm_jax/tokens/batches/sequences.py, seqio_reader.py below it."""

import collections
import itertools
import json

import numpy as np
import pytest

from audiolm_jax.errors import UserError
from audiolm_jax.tokens import stages
from audiolm_jax.tokens.batches import rounds
from audiolm_jax.tokens.batches import sequences as sequence_batches
from audiolm_jax.tokens.fields import EOS, PAD
from tests.tokens import random_store

SIZES = random_store.SIZES
SEMANTIC = stages.semantic(SIZES)
CROP = 0.8  # 20 semantic frames.
LENGTHS = [30, 5, 18, 41, 20, 12, 60, 7, 25, 33, 20, 9, 50, 16]


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> str:
  folder = tmp_path_factory.mktemp('tokens')
  random_store.write(folder, {'train': LENGTHS, 'dev': LENGTHS[:5]})
  return str(folder)


def take(iterator, count):
  return list(itertools.islice(iterator, count))


def assert_equal(ones, others):
  assert len(ones) == len(others)
  for one, other in zip(ones, others, strict=True):
    assert one.keys() == other.keys()
    for name in one:
      np.testing.assert_array_equal(one[name], other[name])


def sequences(batches) -> collections.Counter:
  """Every sequence, whatever its row and its place in it."""
  counts = collections.Counter()
  for batch in batches:
    for targets, segment_ids in zip(
        batch['targets'], batch['segment_ids'], strict=True
    ):
      for segment in range(1, segment_ids.max() + 1):
        counts[tuple(targets[segment_ids == segment].tolist())] += 1
  return counts


@pytest.mark.parametrize(
    'stage',
    [
        SEMANTIC,
        stages.coarse(SIZES, 4),
        stages.coarse(SIZES, 2, deduplicate=False, positions='time'),
        stages.fine(SIZES, 2),
    ],
    ids=lambda stage: f'{stage.name}-{stage.positions}',
)
def test_batches_are_what_the_language_model_reads(folder, stage):
  batch = next(
      sequence_batches.batches(folder, stage, 'train', CROP, 4, seed=0)
  )
  frames = stage.frames(CROP)
  positions = batch.pop('positions')
  np.testing.assert_array_equal(positions, stage.positions_for(frames))
  for name, values in batch.items():
    assert values.shape == (4, stage.length(frames))
    is_weight = name == 'loss_weights'
    assert values.dtype == (np.float32 if is_weight else np.int32)
  shifted = np.pad(batch['targets'][:, :-1], [(0, 0), (1, 0)])
  np.testing.assert_array_equal(batch['inputs'], shifted)


def test_a_seed_is_an_order_and_crops(folder):
  def batches(seed):
    return take(
        sequence_batches.batches(folder, SEMANTIC, 'train', CROP, 4, seed), 3
    )

  first = batches(1)
  assert_equal(first, batches(1))
  assert (first[0]['targets'] != batches(2)[0]['targets']).any()


@pytest.mark.parametrize('pack', [False, True])
def test_resuming_equals_going_on(folder, pack, monkeypatch):
  monkeypatch.setattr(rounds, 'BATCHES_A_ROUND', 4)

  def batches():
    return sequence_batches.batches(
        folder, SEMANTIC, 'train', CROP, 4, 7, pack=pack
    )

  straight, states, expected = batches(), [], []
  while not states or states[-1]['round'] == 0:
    expected.append(next(straight))
    states.append(json.loads(json.dumps(straight.get_state())))
  for done in (2, len(states)):
    resumed = batches()
    resumed.set_state(states[done - 1])
    rest = [*expected[done:], next(straight)]
    assert_equal(take(resumed, len(rest)), rest)
    expected.append(rest[-1])


def test_rounds_differ(folder, monkeypatch):
  monkeypatch.setattr(rounds, 'BATCHES_A_ROUND', 1)
  batches = sequence_batches.batches(folder, SEMANTIC, 'train', CROP, 4, seed=0)
  first = next(batches)
  while not batches.get_state()['round']:
    second = next(batches)
  assert (first['targets'] != second['targets']).any()


def test_tokens_of_another_store_are_refused(folder):
  batches = sequence_batches.batches(folder, SEMANTIC, 'train', CROP, 4, seed=0)
  state = batches.get_state()
  state['tokenizers'] = {**state['tokenizers'], 'acoustic': 'cccccccccccc'}
  with pytest.raises(UserError, match='bbbbbbbbbbbb.*cccccccccccc'):
    batches.set_state(state)


@pytest.mark.parametrize('num_shards', [2, 5])
def test_shards_are_disjoint_and_complete(folder, num_shards):
  """Crops longer than any recording show each recording as it is."""

  def recordings(**shard):
    batches = sequence_batches.batches(
        folder, SEMANTIC, 'train', 3.0, num_shards, 0, epochs=1, **shard
    )
    return sequences(batches)

  shards = [
      recordings(shard_index=i, num_shards=num_shards)
      for i in range(num_shards)
  ]
  whole = sequences(
      sequence_batches.batches(folder, SEMANTIC, 'train', 3.0, 1, 0, epochs=1)
  )
  assert sum(whole.values()) == len(LENGTHS)
  assert sum(shards, collections.Counter()) == whole


def test_hosts_go_from_round_to_round_together(folder, monkeypatch):
  """Whatever the lengths of the recordings that each of them has."""
  monkeypatch.setattr(rounds, 'BATCHES_A_ROUND', 2)
  hosts = [
      sequence_batches.batches(
          folder, SEMANTIC, 'train', CROP, 4, 0, shard_index=i, num_shards=2
      )
      for i in range(2)
  ]
  for _ in range(8):
    states = [host.get_state() for host in hosts]
    assert states[0] == states[1]
    for host in hosts:
      next(host)
  assert states[0]['round'] > 1


def test_shards_share_a_batch(folder):
  batches = sequence_batches.batches(
      folder, SEMANTIC, 'train', CROP, 6, 0, shard_index=1, num_shards=3
  )
  assert len(next(batches)['targets']) == 2
  with pytest.raises(UserError, match='shared by 4'):
    sequence_batches.batches(
        folder, SEMANTIC, 'train', CROP, 6, 0, num_shards=4
    )


def test_packing_keeps_every_sequence_as_it_is(folder):
  """A zero starts the target of each sequence; packing must not drop it."""
  stage = stages.coarse(SIZES, 1)

  def batches(batch_size, **settings):
    return list(
        sequence_batches.batches(
            folder, stage, 'train', 3.0, batch_size, 0, epochs=1, **settings
        )
    )

  apart, packed = batches(1), batches(1, pack=True)
  assert sequences(packed) == sequences(apart)
  assert len(packed) < len(apart)
  assert max(batch['segment_ids'].max() for batch in packed) > 1


def test_a_packed_sequence_has_its_own_inputs_and_weights(folder):
  stage = stages.coarse(SIZES, 1)
  batch = next(
      sequence_batches.batches(
          folder, stage, 'train', 3.0, 1, 0, pack=True, epochs=1
      )
  )
  row = {name: batch[name][0] for name in batch if name != 'positions'}
  for segment in range(1, row['segment_ids'].max() + 1):
    inside = row['segment_ids'] == segment
    targets, inputs = row['targets'][inside], row['inputs'][inside]
    assert inputs.tolist() == [PAD, *targets[:-1].tolist()]
    start = targets.tolist().index(PAD)
    weights = row['loss_weights'][inside]
    assert not weights[: start + 1].any() and weights[start + 1 :].all()
  assert not row['loss_weights'][row['segment_ids'] == 0].any()


def test_time_cannot_be_packed(folder):
  stage = stages.fine(SIZES, 2, 'time')
  with pytest.raises(UserError, match="positions='time'"):
    sequence_batches.batches(folder, stage, 'train', CROP, 4, seed=0, pack=True)


def test_recordings_end_at_every_step(folder):
  batches = sequence_batches.batches(folder, SEMANTIC, 'train', CROP, 8, seed=0)
  ends = [(batch['targets'] == EOS).sum() for batch in take(batches, 60)]
  assert all(sum(ends[i : i + 10]) > 10 for i in range(0, 60, 10))


def test_evaluation_sees_every_frame_once(folder):
  stage = stages.coarse(SIZES, 2, deduplicate=False)
  batches = list(
      sequence_batches.evaluation_batches(folder, stage, 'dev', CROP, 4)
  )
  weight = sum(batch['loss_weights'].sum() for batch in batches)
  # Two frames of two levels a semantic frame, and an end each.
  assert weight == sum(LENGTHS[:5]) * 4 + 5
  again = sequence_batches.evaluation_batches(folder, stage, 'dev', CROP, 4)
  assert_equal(batches, list(again))
  assert {len(batch['targets']) for batch in batches} == {4}


def test_shards_of_an_evaluation_lie_side_by_side(folder):
  def batches(batch_size, **shard):
    return list(
        sequence_batches.evaluation_batches(
            folder, SEMANTIC, 'dev', CROP, batch_size, **shard
        )
    )

  whole = batches(6)
  shards = [batches(6, shard_index=i, num_shards=3) for i in range(3)]
  for i, batch in enumerate(whole):
    rows = np.concatenate([shard[i]['targets'] for shard in shards])
    np.testing.assert_array_equal(rows, batch['targets'])


def test_a_store_too_small_for_a_batch_is_repeated(tmp_path):
  random_store.write(tmp_path, {'train': [10, 10]}, num_shards=1)
  batch = next(
      sequence_batches.batches(str(tmp_path), SEMANTIC, 'train', CROP, 16, 0)
  )
  assert (batch['targets'][:, 0] > 0).all()


def test_a_batch_that_cannot_be_filled_is_refused(folder):
  batches = sequence_batches.batches(
      folder, SEMANTIC, 'dev', 3.0, 16, 0, epochs=1
  )
  with pytest.raises(UserError, match='does not fill a batch'):
    next(batches)


def test_bad_settings_are_refused(folder):
  with pytest.raises(UserError, match='shorter than a frame'):
    sequence_batches.batches(folder, SEMANTIC, 'train', 0.01, 4, seed=0)
  with pytest.raises(UserError, match='no split'):
    sequence_batches.batches(folder, SEMANTIC, 'test', CROP, 4, seed=0)
  other = stages.semantic(SIZES._replace(semantic_codebook_size=99))
  with pytest.raises(UserError, match='99 codes'):
    sequence_batches.batches(folder, other, 'train', CROP, 4, seed=0)
