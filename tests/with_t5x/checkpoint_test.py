"""Tests `audiolm_jax/t5x/checkpoint.py`."""

import shutil

import numpy as np
import orbax.checkpoint as ocp
import pytest
from flax import serialization, traverse_util

from audiolm_jax.errors import UserError
from audiolm_jax.t5x import checkpoint
from tests.with_t5x import published
from tests.with_t5x.published import RUN

KERNEL = 'target.decoder.layers_0.mlp.wo.kernel'


@pytest.fixture
def run(tmp_path):
  return shutil.copytree(RUN, tmp_path / 'run')


def flat(folder):
  return traverse_util.flatten_dict(checkpoint.read(folder), sep='/')


def assert_published(found, rtol=0.0):
  wanted = published.parameters()
  assert found.keys() == wanted.keys()
  for name, array in wanted.items():
    assert found[name].dtype == np.float32
    np.testing.assert_allclose(found[name], array, rtol=rtol, err_msg=name)


def test_a_run_a_step_and_an_index_name_the_same(run):
  step = run / f'checkpoint_{published.STEP}'
  for path in (run, step, step / 'checkpoint'):
    assert checkpoint.find(path) == step
  assert_published(flat(step))


def test_the_newest_whole_checkpoint_is_taken(run):
  published.write(run, published.parameters(seed=1), step=20)
  # What a killed t5x leaves behind.
  (run / 'checkpoint_100.tmp-123').mkdir()
  (run / 'checkpoint_50').mkdir()
  assert checkpoint.find(run).name == 'checkpoint_20'


def test_bfloat16_becomes_float32(tmp_path):
  folder = published.write(tmp_path, published.parameters(), dtype='bfloat16')
  assert_published(flat(folder), rtol=2**-8)


def rewrite(run, change):
  """Changes the parameters in the index of a checkpoint."""
  path = checkpoint.find(run) / 'checkpoint'
  index = serialization.msgpack_restore(path.read_bytes())
  change(index['optimizer']['target']['decoder'])
  path.write_bytes(serialization.msgpack_serialize(index))
  return path.parent


def test_arrays_may_stand_in_the_index(run):
  scale = published.parameters()['decoder/decoder_norm/scale']
  folder = rewrite(run, lambda d: d['decoder_norm'].update(scale=scale))
  shutil.rmtree(folder / 'target.decoder.decoder_norm.scale')
  assert_published(flat(folder))


def test_orbax_checkpoints_are_read(tmp_path):
  target = traverse_util.unflatten_dict(published.parameters(), sep='/')
  state = {'target': target, 'state': {'step': np.zeros((), np.int32)}}
  folder = tmp_path / 'checkpoint_7'
  ocp.PyTreeCheckpointer().save(folder / 'state', state)
  assert checkpoint.find(tmp_path) == folder
  assert_published(flat(folder))


SCALE = 'target.decoder.decoder_norm.scale'


@pytest.mark.parametrize(
    'name', ['../secret', f'../checkpoint_{published.STEP}/{SCALE}', '.', '']
)
def test_nothing_outside_of_the_checkpoint_is_read(run, name):
  shutil.copytree(checkpoint.find(run) / SCALE, run / 'secret')

  def point(decoder):
    decoder['decoder_norm']['scale']['kvstore']['path'] = name

  message = 'decoder_norm/scale cannot be read .*outside of the checkpoint'
  with pytest.raises(UserError, match=message):
    checkpoint.read(rewrite(run, point))


def test_another_driver_is_not_believed(run):
  def point(decoder):
    spec = decoder['decoder_norm']['scale']
    spec['driver'], spec['kvstore']['driver'] = 'json', 'http'

  assert_published(flat(rewrite(run, point)))


def test_a_missing_piece_is_not_zeros(run):
  folder = checkpoint.find(run)
  (folder / KERNEL / '0.0').unlink()
  message = 'layers_0/mlp/wo/kernel cannot be read'
  with pytest.raises(UserError, match=message) as caught:
    checkpoint.read(folder)
  assert '\n' not in str(caught.value)
  shutil.rmtree(folder / KERNEL)
  with pytest.raises(UserError, match=message):
    checkpoint.read(folder)


@pytest.mark.parametrize(
    'content', [b'', b'garbage', b'\x81', b'\x80\x04N.', b'\x91' * 5000]
)
def test_an_index_of_something_else_is_one_line(run, content):
  folder = checkpoint.find(run)
  (folder / 'checkpoint').write_bytes(content)
  with pytest.raises(UserError) as caught:
    checkpoint.read(folder)
  assert '\n' not in str(caught.value)


def test_integers_and_depths_are_refused(run):
  folder = rewrite(run, lambda d: d['decoder_norm'].update(scale=np.arange(3)))
  with pytest.raises(UserError, match='decoder_norm/scale is of type int64'):
    checkpoint.read(folder)
  deep = {}
  for _ in range(200):
    deep = {'x': deep}
  folder = rewrite(run, lambda d: d.update(decoder_norm=deep))
  with pytest.raises(UserError, match='too many folders'):
    checkpoint.read(folder)


def test_a_folder_without_a_checkpoint_is_named(tmp_path):
  with pytest.raises(UserError, match='has no checkpoint of t5x'):
    checkpoint.find(tmp_path)
  with pytest.raises(UserError, match='has no checkpoint of t5x'):
    checkpoint.find(tmp_path / 'nothing')
