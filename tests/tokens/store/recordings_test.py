"""Tests audiolm_jax/tokens/store/recordings.py."""

import os

import numpy as np
import pytest

from audiolm_jax.errors import UserError
from audiolm_jax.tokens.store import recordings, shards, store
from tests.tokens import random_store

LENGTHS = [5, 9, 2, 7, 11, 3, 8]


@pytest.fixture(params=[True, False], ids=['listed', 'unlisted'])
def folder(tmp_path, request) -> str:
  random_store.write(tmp_path, {'train': LENGTHS}, num_shards=3)
  if request.param:
    list_shards(str(tmp_path))
  return str(tmp_path)


def list_shards(folder: str) -> None:
  """As audiolm extract lists them."""
  metadata = store.read_metadata(folder)
  files = {
      os.path.basename(path): {'clips': sum(1 for _ in shards.read(path))}
      for path in store.shard_paths(folder, 'train')
  }
  store.write_metadata(folder, metadata._replace(shards=files))


def opened(folder: str) -> recordings.Recordings:
  files = store.shard_paths(folder, 'train')
  return recordings.of_files(folder, files)


def test_each_number_is_a_recording_in_the_order_of_the_files(folder):
  found, straight = opened(folder), list(store.read(folder, 'train'))
  assert len(found) == len(straight) == len(LENGTHS)
  # Not in their order.
  for number in np.random.default_rng(0).permutation(len(LENGTHS)).tolist():
    assert found[number].id == straight[number].id
    np.testing.assert_array_equal(
        found[number].acoustic, straight[number].acoustic
    )


def test_no_file_is_opened_before_it_is_read(tmp_path, monkeypatch):
  random_store.write(tmp_path, {'train': LENGTHS}, num_shards=3)
  list_shards(str(tmp_path))
  files = store.shard_paths(str(tmp_path), 'train')
  asked = []
  offsets = recordings.tfrecord.offsets
  monkeypatch.setattr(
      recordings.tfrecord,
      'offsets',
      lambda path: asked.append(path) or offsets(path),
  )
  found = recordings.of_files(str(tmp_path), files)
  assert len(found) == len(LENGTHS) and not asked
  _ = found[0], found[0], found[1]
  assert asked == files[:1]


def test_a_shard_of_another_length_than_listed_is_refused(tmp_path):
  random_store.write(tmp_path, {'train': LENGTHS}, num_shards=3)
  list_shards(str(tmp_path))
  files = store.shard_paths(str(tmp_path), 'train')
  shards.write(files[1], [random_store.record(0, 5, 'train')])
  found = recordings.of_files(str(tmp_path), files)
  _ = found[0]
  with pytest.raises(UserError, match='00001-of-00003.*had 2; run audiolm'):
    _ = found[3]


def test_what_harm_came_to_a_file_is_said_when_it_is_read(folder):
  found = opened(folder)
  path = store.shard_paths(folder, 'train')[0]
  _ = found[0]
  with open(path, 'r+b') as file:
    file.truncate(30)
  with pytest.raises(UserError, match='00000-of-00003.tfrecord is damaged'):
    _ = found[0]
  os.remove(path)
  with pytest.raises(UserError, match='00000-of-00003.tfrecord is missing'):
    _ = found[0]


def test_there_is_no_recording_beyond_the_last(folder):
  with pytest.raises(IndexError):
    _ = opened(folder)[len(LENGTHS)]
