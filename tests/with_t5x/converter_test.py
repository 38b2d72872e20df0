"""Tests `audiolm_jax/t5x/converter.py`."""

import jax.numpy as jnp
import numpy as np
import pytest
import seqio
import tensorflow as tf

from audiolm_jax.lm.transformer import causal_mask
from audiolm_jax.t5x import tasks
from audiolm_jax.t5x.converter import T5XFeatureConverter
from audiolm_jax.tokens import stages
from audiolm_jax.tokens.batches.converter import StageFeatureConverter
from audiolm_jax.tokens.fields import EOS, PAD
from tests.tokens import random_store
from tests.with_t5x import published

SECONDS = 0.4
# Places that rows are packed into; a sequence has up to 92.
PACKED = 250
# Semantic ids that repeat, so that rows end early.
STAGE = stages.coarse(random_store.SIZES)


@pytest.fixture(name='token_dir', scope='module')
def fixture_token_dir(tmp_path_factory):
  folder = tmp_path_factory.mktemp('store')
  lengths = [3, 9, 12, 5, 10, 4, 7, 11]
  random_store.write(folder, {'train': lengths, 'dev': [5, 6]}, num_shards=2)
  return str(folder)


@pytest.fixture(autouse=True)
def registry(monkeypatch):
  monkeypatch.setattr(seqio.TaskRegistry, '_REGISTRY', {})


def batch(token_dir, converter, length=None, size=6):
  """As t5x asks seqio for it."""
  name = tasks.register(token_dir, STAGE, SECONDS)
  lengths = tasks.feature_lengths(STAGE, SECONDS)
  if length:
    lengths = dict.fromkeys(lengths, length)
  dataset = seqio.get_dataset(
      name,
      lengths,
      converter,
      'train',
      seed=0,
      num_epochs=None,
      batch_size=size,
      trim_output_features=True,
  )
  return next(dataset.as_numpy_iterator())


def test_features_are_the_stages_by_t5xs_names(token_dir):
  ours = batch(token_dir, StageFeatureConverter(pack=False))
  made = batch(token_dir, T5XFeatureConverter(pack=False))
  assert made.keys() == set(T5XFeatureConverter.MODEL_FEATURES)
  for name, other in (('input_tokens', 'inputs'), ('loss_weights',) * 2):
    np.testing.assert_array_equal(made[f'decoder_{name}'], ours[other])
  targets = made['decoder_target_tokens']
  changed = targets != ours['targets']
  # One place a row: the end of its prefix, where no loss looks.
  assert (changed.sum(axis=1) == 1).all()
  assert (ours['targets'][changed] == PAD).all()
  assert (targets[changed] == EOS).all()
  assert not made['decoder_loss_weights'][changed].any()


@pytest.mark.parametrize('pack', [False, True])
def test_t5x_looks_where_our_network_looks(token_dir, pack):
  length = PACKED if pack else None
  made = batch(token_dir, T5XFeatureConverter(pack=pack), length)
  targets = made['decoder_target_tokens']
  segment_ids = made.get('decoder_segment_ids', (targets > 0).astype(np.int32))
  assert not pack or segment_ids.max() > 1
  seen = segment_ids > 0
  found = published.may_look(targets, segment_ids if pack else None)
  wanted = np.asarray(causal_mask(jnp.asarray(segment_ids)))
  np.testing.assert_array_equal(found[seen], wanted[seen])


def test_seqios_own_names_would_hide_the_end_of_a_prefix(token_dir):
  ours = batch(token_dir, StageFeatureConverter(pack=False))
  found = published.may_look(ours['targets'])
  wanted = np.asarray(causal_mask(jnp.asarray(ours['segment_ids'])))
  seen = ours['segment_ids'] > 0
  assert (found[seen] != wanted[seen]).any()


def test_packed_rows_count_each_segment_from_its_start(token_dir):
  made = batch(token_dir, T5XFeatureConverter(pack=True), length=PACKED)
  segments, positions = made['decoder_segment_ids'], made['decoder_positions']
  inputs = made['decoder_input_tokens']
  starts = np.diff(segments, axis=1, prepend=0) > 0
  assert starts.sum() > len(segments)
  assert not positions[starts].any() and not inputs[starts].any()
  follows = (segments[:, 1:] == segments[:, :-1]) & (segments[:, 1:] > 0)
  assert (np.diff(positions, axis=1)[follows] == 1).all()


def test_types_are_t5xs(token_dir):
  made = batch(token_dir, T5XFeatureConverter(pack=True), length=PACKED)
  types = {name: array.dtype for name, array in made.items()}
  assert types.pop('decoder_loss_weights') == np.float32
  assert {tf.as_dtype(dtype) for dtype in types.values()} == {tf.int32}
