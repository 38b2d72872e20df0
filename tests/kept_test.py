"""What earlier versions wrote is read as it was; nothing here is made anew.

A token store, a bundle and a run of November 2026, before descriptions had
digests of their own.
"""

import pathlib

import jax
import numpy as np
import pytest
import runs

from audiolm_jax.bundle import parts
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.tokens.store import store
from audiolm_jax.training.checkpoints.loading import load_params
from tests.tokens import random_store

KEPT = pathlib.Path(__file__).parent / 'kept'


def test_a_store_without_digests_is_read():
  folder = str(KEPT / 'store')
  assert store.sizes(folder) == random_store.SIZES
  assert store.fingerprints(folder) == random_store.FINGERPRINTS
  for split, lengths in {'train': [5, 9, 2], 'dev': [4, 7]}.items():
    found = {record.id: record for record in store.read(folder, split)}
    assert len(found) == len(lengths)
    for i, length in enumerate(lengths):
      record, written = (
          found[f'{i}.wav'],
          random_store.record(i, length, split),
      )
      np.testing.assert_array_equal(record.semantic, written.semantic)
      np.testing.assert_array_equal(record.acoustic, written.acoustic)
      assert (record.split, record.speaker) == (split, written.speaker)


def test_a_bundle_without_a_digest_is_the_same_model():
  bundle = Bundle.load(KEPT / 'bundle')
  assert bundle.fingerprint == '015f8f370b66'
  assert bundle.language_models.keys() == {'semantic', 'coarse', 'fine'}
  assert bundle.semantic.fingerprint == 'd136d04265a6'
  assert bundle.acoustic.fingerprint == '97b5bfc35b1f'


def test_a_run_is_the_same_part(tmp_path):
  name, part = parts.from_checkpoint(load_params(str(KEPT / 'run')))
  assert name == 'classifier'
  again = runs.save(tmp_path / 'run', part)
  jax.tree.map(
      np.testing.assert_array_equal,
      part.arrays,
      parts.from_checkpoint(load_params(str(again)))[1].arrays,
  )
  # As its weights were when it was written.
  total = sum(
      float(np.abs(leaf).sum(dtype=np.float64))
      for leaf in jax.tree.leaves(part.arrays)
  )
  assert total == pytest.approx(165.35376843847916, rel=1e-12)
