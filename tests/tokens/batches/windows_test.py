"""Tests audiolm_jax/tokens/batches/windows.py."""

import itertools
import json

import numpy as np
import pytest

from audiolm_jax.errors import UserError
from audiolm_jax.soundstorm.stage import soundstorm
from audiolm_jax.tokens.batches import rounds
from audiolm_jax.tokens.batches import windows as window_batches
from tests.tokens import random_store

STAGE = soundstorm(random_store.SIZES)
CROP = 0.8  # 20 semantic frames.
LENGTHS = [30, 5, 18, 41, 20, 12, 60, 7, 25, 33, 20, 9, 50, 16]


@pytest.fixture(name='store', scope='module')
def fixture_store(tmp_path_factory):
  folder = tmp_path_factory.mktemp('tokens')
  records = random_store.write(folder, {'train': LENGTHS, 'dev': LENGTHS[:5]})
  return str(folder), records


def batches(folder, split='train', batch_size=4, seed=0, **settings):
  return window_batches.batches(
      folder, STAGE, split, CROP, batch_size, seed, **settings
  )


def take(iterator, count):
  return list(itertools.islice(iterator, count))


def assert_equal(ones, others):
  for one, other in zip(ones, others, strict=True):
    assert one.keys() == other.keys()
    for name in one:
      np.testing.assert_array_equal(one[name], other[name])


def windows(found):
  """Each row without its padding, as text."""
  for batch in found:
    for row, length in enumerate(batch['lengths']):
      if length:
        yield (
            batch['semantic'][row, :length].tolist(),
            batch['acoustic'][row, :length].tolist(),
        )


def is_piece(window, record) -> bool:
  """Whether semantic ids and codes lie in the recording at the same place."""
  ids, codes = window
  whole = np.repeat(record.semantic, 2).tolist()
  return any(
      whole[start : start + len(ids)] == ids
      and record.acoustic[start : start + len(ids)].tolist() == codes
      for start in range(0, len(whole) - len(ids) + 1, 2)
  )


def test_windows_are_aligned_pieces_of_recordings(store):
  folder, records = store
  found = take(batches(folder, shortest_seconds=0.4), 6)
  for batch in found:
    assert batch['semantic'].shape == (4, 40)
    assert batch['acoustic'].shape == (4, 40, 4)
    assert {values.dtype for values in batch.values()} == {np.dtype(np.int32)}
  for window in windows(found):
    assert any(is_piece(window, record) for record in records['train'])
  lengths = np.concatenate([batch['lengths'] for batch in found])
  assert len(set(lengths.tolist())) > 5 and lengths.max() <= 40


def test_resuming_equals_going_on(store, monkeypatch):
  folder, _ = store
  monkeypatch.setattr(rounds, 'BATCHES_A_ROUND', 4)
  straight, states, expected = batches(folder, seed=7), [], []
  while not states or states[-1]['round'] == 0:
    expected.append(next(straight))
    states.append(json.loads(json.dumps(straight.get_state())))
  for done in (2, len(states)):
    resumed = batches(folder, seed=7)
    resumed.set_state(states[done - 1])
    rest = [*expected[done:], next(straight)]
    assert_equal(take(resumed, len(rest)), rest)
    expected.append(rest[-1])


def test_a_seed_is_an_order_and_windows(store):
  folder, _ = store
  first, again, other = (take(batches(folder, seed=s), 2) for s in (1, 1, 2))
  assert_equal(first, again)
  assert (first[0]['acoustic'] != other[0]['acoustic']).any()


def test_evaluation_sees_every_frame_once(store):
  folder, records = store

  def evaluation(**shard):
    return list(
        window_batches.evaluation_batches(
            folder, STAGE, 'dev', CROP, 4, **shard
        )
    )

  found = evaluation()
  assert sum(b['lengths'].sum() for b in found) == 2 * sum(LENGTHS[:5])
  assert {len(batch['lengths']) for batch in found} == {4}
  for window in windows(found):
    assert any(is_piece(window, record) for record in records['dev'])
  assert_equal(found, evaluation())
  halves = [evaluation(shard_index=i, num_shards=2) for i in range(2)]
  for batch, one, two in zip(found, *halves, strict=True):
    both = np.concatenate([one['acoustic'], two['acoustic']])
    np.testing.assert_array_equal(both, batch['acoustic'])


def test_hosts_share_a_batch_and_no_recording(store):
  folder, _ = store
  hosts = [
      take(batches(folder, shard_index=i, num_shards=2, epochs=1), 2)
      for i in range(2)
  ]
  seen = [{str(window) for window in windows(host)} for host in hosts]
  assert len(hosts[0][0]['lengths']) == 2
  assert seen[0] and seen[1] and not seen[0] & seen[1]


def test_what_does_not_fit_is_refused(store):
  folder, _ = store
  other = soundstorm(random_store.SIZES._replace(acoustic_codebook_size=99))
  with pytest.raises(UserError, match='99 codes'):
    window_batches.batches(folder, other, 'train', CROP, 4, seed=0)
  deeper = soundstorm(random_store.SIZES._replace(num_quantizers=5))
  with pytest.raises(UserError, match='5 levels'):
    window_batches.batches(folder, deeper, 'train', CROP, 4, seed=0)
  with pytest.raises(UserError, match='shorter than a frame'):
    window_batches.batches(folder, STAGE, 'train', 0.01, 4, seed=0)
  with pytest.raises(UserError, match='more than crop_seconds'):
    batches(folder, shortest_seconds=1.0)
  with pytest.raises(UserError, match='no split'):
    batches(folder, split='test')


def test_tokens_of_another_store_are_refused(store):
  folder, _ = store
  data = batches(folder)
  state = data.get_state()
  state['tokenizers'] = {**state['tokenizers'], 'acoustic': 'cccccccccccc'}
  with pytest.raises(UserError, match='bbbbbbbbbbbb.*cccccccccccc'):
    data.set_state(state)
