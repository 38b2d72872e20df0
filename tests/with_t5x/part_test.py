"""Tests `audiolm_jax/t5x/part.py`: the networks of t5x and here are one."""

import json
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audiolm_jax.bundle import parts
from audiolm_jax.errors import UserError
from audiolm_jax.lm.sampling import network
from audiolm_jax.nn.attention import relative_position_bucket
from audiolm_jax.t5x import part
from tests.with_t5x import published
from tests.with_t5x.published import RUN, STAGE

# Beyond 128 places distances share a bucket.
LENGTH, ENDS = 150, (150, 97)


@pytest.fixture(name='imported', scope='module')
def fixture_imported():
  return part.read(RUN)


def rows(seed=1):
  """Inputs and targets of two rows, one of which ends early."""
  random = np.random.default_rng(seed)
  targets = random.integers(2, STAGE.vocab_size, size=(2, LENGTH))
  targets *= np.arange(LENGTH)[None] < np.array(ENDS)[:, None]
  inputs = np.pad(targets, ((0, 0), (1, 0)))[:, :-1]
  return inputs.astype(np.int32), targets.astype(np.int32)


def ours(imported, inputs, segment_ids):
  config, arrays = imported[1]
  model = parts.build(config)
  positions = np.arange(inputs.shape[1], dtype=np.int32)
  return np.asarray(
      jax.jit(model.apply)(
          {'params': arrays['params']}, inputs, positions, segment_ids
      )
  )


def assert_equal(found, wanted, seen):
  largest = np.abs(wanted[seen]).max()
  np.testing.assert_allclose(found[seen], wanted[seen], atol=1e-5 * largest)


def test_the_stored_checkpoint_is_what_its_command_makes(imported):
  name, (config, arrays) = imported
  made = published.parameters()
  assert name == 'coarse' and config['tokenizers'] == published.TOKENIZERS
  embedding = made['decoder/token_embedder/embedding']
  np.testing.assert_array_equal(arrays['params']['embedding'], embedding)
  assert len(jax.tree.leaves(arrays)) == len(made)


def test_logits_of_a_checkpoint_are_those_of_the_published_network(imported):
  inputs, targets = rows()
  found = ours(imported, inputs, (targets > 0).astype(np.int32))
  wanted = published.logits(published.parameters(), inputs, targets)
  assert found.shape == (2, LENGTH, STAGE.vocab_size)
  assert_equal(found, wanted, targets > 0)


def test_packed_rows_have_the_same_logits(imported):
  inputs, targets = rows()
  segment_ids = np.repeat([[1, 2]], [60, 90], axis=1).repeat(2, axis=0)
  segment_ids = np.where(targets > 0, segment_ids, 0).astype(np.int32)
  inputs[:, 60] = 0
  found = ours(imported, inputs, segment_ids)
  args = published.parameters(), inputs, targets, segment_ids
  assert_equal(found, published.logits(*args), targets > 0)


def test_the_sampler_has_the_same_logits(imported):
  config, arrays = imported[1]
  model = parts.build(config)
  packed = network.pack(model, arrays['params'])
  inputs, targets = rows()
  inputs, targets = jnp.asarray(inputs[:1, :140]), targets[:1, :140]
  positions = jnp.arange(140)[None]
  caches = network.prefill(
      model, packed, inputs[:, :-1], inputs[:, :-1] >= 0, positions[:, :-1]
  )
  caches = jax.tree.map(
      lambda leaf: jnp.pad(leaf, ((0, 0), (0, 0), (0, 1))), caches
  )
  bias = network.distance_bias(packed, positions[:, -1:], positions)[:, :, 0]
  index = jnp.int32(139)
  x, _ = network.step(model, packed, inputs[:, -1], bias, caches, index)
  found = np.asarray(network.logits(x, packed.embedding))
  args = published.parameters(), np.asarray(inputs), targets
  wanted = published.logits(*args)[:, -1]
  assert_equal(found, wanted, np.ones(1, bool))


def test_distances_have_t5xs_buckets():
  distances = np.arange(-10, 5000)
  found = relative_position_bucket(jnp.asarray(-distances)[None], False)
  wanted = [published.bucket(distance) for distance in distances]
  np.testing.assert_array_equal(found[0], wanted)


def test_t5x_itself_has_the_same_logits(imported):
  pytest.importorskip('t5x')
  from t5x.examples.decoder_only import network as t5x_network

  from audiolm_jax.t5x import checkpoint

  config = imported[1].config
  module = t5x_network.DecoderWrapper(
      t5x_network.TransformerConfig(
          vocab_size=config['vocab_size'],
          emb_dim=config['embed_dim'],
          num_heads=config['num_heads'],
          num_layers=config['num_layers'],
          head_dim=config['head_dim'],
          mlp_dim=config['mlp_dim'],
          mlp_activations=('gelu', 'linear'),
          logits_via_embedding=True,
      )
  )
  inputs, targets = rows()
  target = checkpoint.read(checkpoint.find(RUN))
  wanted = module.apply(
      {'params': target}, inputs, targets, enable_dropout=False
  )
  found = ours(imported, inputs, (targets > 0).astype(np.int32))
  assert_equal(found, np.asarray(wanted), targets > 0)


def described(tmp_path, **changes):
  """A copy of the run whose stage.json says something else."""
  run = shutil.copytree(RUN, tmp_path / 'run')
  said = json.loads((run / 'stage.json').read_text()) | changes
  (run / 'stage.json').write_text(json.dumps(said))
  return run


def test_a_stage_that_the_checkpoint_cannot_be_is_refused(tmp_path):
  wide = STAGE.to_config()
  wide['target'] = wide['target'] | {'codebook_size': 99}
  with pytest.raises(UserError, match='knows 40 ids, the coarse stage'):
    part.read(described(tmp_path, stage=wide))


def test_a_stage_in_time_is_refused(tmp_path):
  timed = STAGE.to_config() | {'positions': 'time'}
  timed['prefix'] = [timed['prefix'][0] | {'deduplicate': False}]
  with pytest.raises(UserError, match="positions='time', but t5x counts ids"):
    part.read(described(tmp_path, stage=timed))


def test_what_is_beside_a_checkpoint_is_read_strictly(tmp_path):
  run = described(tmp_path, crop_seconds=-1)
  with pytest.raises(UserError, match='stage.json is damaged: .*crop_seconds'):
    part.read(run)
  (run / 'stage.json').write_text('{"stage": {}}')
  with pytest.raises(UserError, match='stage.json is damaged: it says'):
    part.read(run)
  (run / 'stage.json').unlink()
  with pytest.raises(UserError, match='has no stage.json'):
    part.read(run)
