"""Tests audiolm_jax/tokens/batches/{seqio,grain}_reader.py.

Whichever reads a store, the same examples come in the same order.
"""

import itertools
import json
import threading

import numpy as np
import pytest

from audiolm_jax.errors import UserError
from audiolm_jax.soundstorm.stage import soundstorm
from audiolm_jax.tokens import stages
from audiolm_jax.tokens.batches import (
    grain_reader,
    rounds,
    seqio_reader,
    sequences,
    windows,
)
from audiolm_jax.tokens.store import store
from tests.tokens import random_store

SIZES = random_store.SIZES
CROP = 0.8  # 20 semantic frames.
LENGTHS = [30, 5, 18, 41, 20, 12, 60, 7, 25, 33, 20, 9, 50, 16, 64, 11, 22]
READERS = (seqio_reader, grain_reader)


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> str:
  folder = tmp_path_factory.mktemp('tokens')
  random_store.write(folder, {'train': LENGTHS, 'dev': LENGTHS[:6]})
  return str(folder)


def crops(folder, reader, stage=None, crop=CROP, rows=4, seed=7, **settings):
  stage = stage or stages.semantic(SIZES)
  read = reader.sequences
  return sequences.batches(
      folder, stage, 'train', crop, rows, seed, reader=read, **settings
  )


def frames(folder, reader, rows=4, seed=7, **settings):
  return windows.batches(
      folder,
      soundstorm(SIZES),
      'train',
      CROP,
      rows,
      seed,
      reader=reader.windows,
      **settings,
  )


def take(iterator, count=None):
  return list(itertools.islice(iterator, count))


def assert_same(ones, others):
  assert len(ones) == len(others) > 0
  for one, other in zip(ones, others, strict=True):
    assert one.keys() == other.keys()
    for name in one:
      assert one[name].dtype == other[name].dtype
      np.testing.assert_array_equal(one[name], other[name], name)


@pytest.mark.parametrize(
    'stage',
    [
        stages.semantic(SIZES),
        stages.coarse(SIZES, 4),
        stages.coarse(SIZES, 2, deduplicate=False, positions='time'),
        stages.fine(SIZES, 2),
    ],
    ids=lambda stage: f'{stage.name}-{stage.positions}',
)
def test_both_give_the_same_crops(folder, stage):
  seqio, grain = (take(crops(folder, reader, stage), 12) for reader in READERS)
  assert_same(grain, seqio)


@pytest.mark.parametrize(
    'settings',
    [
        {'epochs': 3},
        # More sequences than seqio packs at a time.
        {'pack': True, 'crop': 3.0, 'rows': 2, 'epochs': 40},
        {'shard_index': 1, 'num_shards': 2, 'epochs': 2},
        {'shard_index': 4, 'num_shards': 6, 'epochs': 2, 'rows': 6},
    ],
    ids=str,
)
def test_both_give_the_same_rows_to_the_last(folder, settings):
  stage = stages.coarse(SIZES, 1)
  seqio, grain = (
      take(crops(folder, reader, stage, **settings)) for reader in READERS
  )
  assert_same(grain, seqio)
  if settings.get('pack'):
    assert max(batch['segment_ids'].max() for batch in grain) > 1


@pytest.mark.parametrize(
    'settings',
    [{}, {'epochs': 2}, {'shard_index': 1, 'num_shards': 2, 'epochs': 2}],
    ids=str,
)
def test_both_give_the_same_windows(folder, settings):
  seqio, grain = (
      take(frames(folder, reader, shortest_seconds=0.3, **settings), 10)
      for reader in READERS
  )
  assert_same(grain, seqio)


@pytest.mark.parametrize('shard', [0, 1])
def test_both_are_evaluated_on_the_same(folder, shard):
  def evaluation(module, read, stage):
    return take(
        module.evaluation_batches(
            folder, stage, 'dev', CROP, 4, shard, 2, reader=read
        )
    )

  seqio, grain = (
      evaluation(sequences, reader.sequences, stages.coarse(SIZES, 2))
      for reader in READERS
  )
  assert_same(grain, seqio)
  seqio, grain = (
      evaluation(windows, reader.windows, soundstorm(SIZES))
      for reader in READERS
  )
  assert_same(grain, seqio)


@pytest.mark.parametrize(
    'make, module, settings',
    [
        (crops, sequences, {}),
        (crops, sequences, {'pack': True}),
        (frames, windows, {'shortest_seconds': 0.3}),
    ],
)
def test_where_one_stopped_either_goes_on(
    folder, make, module, settings, monkeypatch
):
  """Within a round, at its end, and in the next; through JSON."""
  monkeypatch.setattr(rounds, 'BATCHES_A_ROUND', 3)
  straight = make(folder, grain_reader, **settings)
  expected, states = [], []
  while straight.get_state()['round'] < 2:
    expected.append(next(straight))
    states.append(json.loads(json.dumps(straight.get_state())))
  last = len(states) - 1
  for done, reader in (
      (1, grain_reader),
      (2, seqio_reader),
      (last, grain_reader),
  ):
    resumed = make(folder, reader, **settings)
    resumed.set_state(states[done - 1])
    assert_same(take(resumed, len(expected) - done), expected[done:])


def test_another_seed_is_another_order(folder):
  one, other = (next(crops(folder, grain_reader, seed=s)) for s in (1, 2))
  assert (one['targets'] != other['targets']).any()


@pytest.mark.parametrize('num_shards', [2, 3, 6])
def test_no_two_hosts_see_the_same_recording(folder, num_shards):
  """Crops longer than any recording show each recording as it is."""
  stage = stages.semantic(SIZES)
  seen = []
  for host in range(num_shards):
    data = crops(
        folder,
        grain_reader,
        stage,
        crop=3.0,
        rows=num_shards,
        epochs=1,
        shard_index=host,
        num_shards=num_shards,
    )
    seen.append({str(b['targets'][0].tolist()) for b in data})
  assert sum(map(len, seen)) == len(set().union(*seen)) == len(LENGTHS)


@pytest.mark.parametrize('reader', READERS)
def test_a_host_without_a_recording_is_told(tmp_path, reader):
  random_store.write(tmp_path, {'train': [30]}, num_shards=1)
  data = crops(
      str(tmp_path), reader, rows=2, shard_index=1, num_shards=2, epochs=1
  )
  with pytest.raises(UserError, match='does not fill a batch'):
    next(data)


def _flipped(path):
  with open(path, 'r+b') as file:
    file.seek(60)
    byte = file.read(1)[0]
    file.seek(60)
    file.write(bytes([byte ^ 4]))


def _cut_off(path):
  with open(path, 'r+b') as file:
    file.truncate(50)


@pytest.mark.parametrize('reader', READERS)
@pytest.mark.parametrize('harm', [_flipped, _cut_off])
@pytest.mark.parametrize('make', [crops, frames])
def test_a_store_damaged_under_way_is_one_line(tmp_path, reader, harm, make):
  random_store.write(tmp_path, {'train': LENGTHS * 5})
  data = make(str(tmp_path), reader)
  next(data)
  path = store.shard_paths(str(tmp_path), 'train')[2]
  harm(path)
  with pytest.raises(UserError, match='00002-of.*damaged.*extract') as error:
    take(data, 200)
  assert '\n' not in str(error.value)


def test_threads_end_when_nobody_reads_on(folder):
  data = crops(folder, grain_reader)
  start = data.get_state()
  next(data)
  before = threading.active_count()
  for _ in range(12):
    data.set_state(start)
    next(data)
  assert threading.active_count() <= before + 4
