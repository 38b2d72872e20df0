"""Tests audiolm_jax/tokens/store/{store,records}.py."""

import json
import os
import pathlib

import numpy as np
import pytest

from audiolm_jax.errors import UserError
from audiolm_jax.tokens import stages
from audiolm_jax.tokens.store import shards, store
from tests.tokens import random_store


@pytest.fixture
def folder(tmp_path) -> str:
  random_store.write(tmp_path, {'train': [5, 9, 2], 'dev': [4]}, num_shards=2)
  return str(tmp_path)


def test_what_is_read_was_written(folder):
  read = {record.id: record for record in store.read(folder, 'train')}
  assert len(read) == 3
  for i, length in enumerate([5, 9, 2]):
    record, written = read[f'{i}.wav'], random_store.record(i, length, 'train')
    np.testing.assert_array_equal(record.semantic, written.semantic)
    np.testing.assert_array_equal(record.acoustic, written.acoustic)
    assert record.speaker == written.speaker
    assert record.seconds == pytest.approx(written.seconds)


def test_metadata_gives_sizes_and_fingerprints(folder):
  assert store.sizes(folder) == random_store.SIZES
  assert store.fingerprints(folder) == random_store.FINGERPRINTS


def test_an_unfinished_store_is_refused(folder):
  os.remove(os.path.join(folder, store.METADATA))
  with pytest.raises(UserError, match='not a finished token store'):
    store.read_metadata(folder)


@pytest.mark.parametrize('text', ['{', '[]', '{"tokens": 1}'])
def test_damaged_metadata_is_refused(folder, text):
  with open(os.path.join(folder, store.METADATA), 'w') as file:
    file.write(text)
  with pytest.raises(UserError, match='damaged'):
    store.read_metadata(folder)


def test_another_codec_is_refused_with_both_names(folder):
  other = {**random_store.FINGERPRINTS, 'acoustic': 'cccccccccccc'}
  store.check_fingerprints(folder, random_store.FINGERPRINTS)
  with pytest.raises(UserError, match='bbbbbbbbbbbb.*cccccccccccc'):
    store.check_fingerprints(folder, other)


@pytest.mark.parametrize(
    'change',
    [
        {'acoustic_codebook_size': 10},
        {'semantic_codebook_size': 7},
        {'semantic_rate': 50.0},
        {'acoustic_rate': 75.0},
    ],
)
def test_a_stage_of_other_tokens_is_refused(folder, change):
  store.check_stage(folder, stages.coarse(random_store.SIZES, 2))
  other = stages.coarse(random_store.SIZES._replace(**change), 2)
  with pytest.raises(UserError, match='coarse stage reads'):
    store.check_stage(folder, other)


def test_a_stage_of_more_levels_is_refused(folder):
  sizes = random_store.SIZES._replace(num_quantizers=5)
  with pytest.raises(UserError, match='5 levels.*has 4'):
    store.check_stage(folder, stages.fine(sizes, 2))


def test_a_stage_may_leave_levels_out(folder):
  sizes = random_store.SIZES._replace(num_quantizers=3)
  store.check_stage(folder, stages.fine(sizes, 2))


def test_an_unknown_split_is_named(folder):
  with pytest.raises(UserError, match="'test'.*train, dev"):
    list(store.read(folder, 'test'))


def test_leftovers_of_a_killed_writer_are_not_read(folder):
  shard = shards.path_of(folder, 'train', 0, 2)
  with open(f'{shard}.tmp-0123', 'w') as file:
    file.write('half a shard')
  assert len(list(store.read(folder, 'train'))) == 3


def test_no_single_bit_of_the_metadata_may_flip(folder):
  path = pathlib.Path(folder, store.METADATA)
  content, whole = path.read_bytes(), store.read_metadata(folder)
  for position in np.random.default_rng(0).integers(8 * len(content), size=300):
    flipped = bytearray(content)
    flipped[position // 8] ^= 1 << (position % 8)
    path.write_bytes(flipped)
    try:
      found = store.read_metadata(folder)
    except UserError as error:
      assert '\n' not in str(error) and store.METADATA in str(error)
    else:  # White space, which says nothing.
      assert found == whole


@pytest.mark.parametrize(
    'path, value',
    [
        (('sample_rate',), 0),
        (('sample_rate',), '16000'),
        (('tokenizers', 'semantic', 'codebook_size'), 10**12),
        (('tokenizers', 'acoustic', 'hop_length'), -5),
        (('tokenizers', 'acoustic', 'num_quantizers'), 1.5),
        (('splits', 'train', 'clips'), -1),
        (('splits', 'train', 'novelty'), 1),
        (('novelty',), {}),
    ],
)
def test_crafted_metadata_is_refused_by_name(folder, path, value):
  file = pathlib.Path(folder, store.METADATA)
  metadata = json.loads(file.read_text())
  del metadata['seal']
  entry = metadata
  for name in path[:-1]:
    entry = entry[name]
  entry[path[-1]] = value
  file.write_text(json.dumps(metadata))
  with pytest.raises(UserError, match=path[-1]):
    store.read_metadata(folder)
