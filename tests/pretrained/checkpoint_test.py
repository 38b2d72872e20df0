"""Folders as `transformers` writes them, whole and broken."""

import json

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy

from audiolm_jax.errors import UserError
from audiolm_jax.pretrained import checkpoint

torch = pytest.importorskip('torch')

import safetensors.torch  # noqa: E402

TENSORS = {
    'a.weight': np.arange(6, dtype=np.float32).reshape(2, 3),
    'a.bias': np.ones(2, np.float32),
}


@pytest.fixture
def folder(tmp_path):
  (tmp_path / 'config.json').write_text('{"model_type": "encodec"}')
  safetensors.numpy.save_file(TENSORS, tmp_path / 'model.safetensors')
  return tmp_path


def same(found, wanted):
  assert found.keys() == wanted.keys()
  for name in wanted:
    np.testing.assert_array_equal(found[name], wanted[name])


def test_a_folder_and_its_file_are_the_same(folder):
  for path in (folder, folder / 'model.safetensors', str(folder)):
    config, tensors = checkpoint.read(path)
    assert config == {'model_type': 'encodec'}
    same(tensors, TENSORS)


def test_shards_are_put_together(folder):
  (folder / 'model.safetensors').unlink()
  shards = {f'{name}.safetensors': {name: TENSORS[name]} for name in TENSORS}
  for file, shard in shards.items():
    safetensors.numpy.save_file(shard, folder / file)
  write_index(folder, {name: f'{name}.safetensors' for name in TENSORS})
  same(checkpoint.read(folder).tensors, TENSORS)


def write_index(folder, weight_map):
  index = folder / 'model.safetensors.index.json'
  index.write_text(json.dumps({'weight_map': weight_map}))


@pytest.mark.parametrize('dtype', [np.float16, ml_dtypes.bfloat16, np.float64])
def test_floats_become_float32_and_integers_stay(folder, dtype):
  tensors = {'x': np.array([0.5, -2.0], dtype), 'steps': np.array(7)}
  safetensors.numpy.save_file(tensors, folder / 'model.safetensors')
  found = checkpoint.read(folder).tensors
  assert (found['x'].dtype, found['steps'].dtype) == (np.float32, np.int64)
  np.testing.assert_array_equal(found['x'], [0.5, -2.0])


@pytest.mark.parametrize('dim', [0, 2, None])
@pytest.mark.parametrize('new', [False, True])
# torch says that its older way is deprecated; published files have it.
@pytest.mark.filterwarnings('ignore:.*weight_norm.*')
def test_weight_norms_are_folded_as_torch_folds_them(folder, dim, new):
  norm = torch.nn.utils.weight_norm
  norm = torch.nn.utils.parametrizations.weight_norm if new else norm
  conv = norm(torch.nn.Conv1d(3, 4, 5), dim=dim)
  with torch.no_grad():
    for parameter in conv.parameters():
      parameter += 0.5 * torch.randn_like(parameter)
    conv(torch.zeros(1, 3, 9))
  state = torch.nn.Sequential(conv).state_dict()
  state = {name: value.numpy() for name, value in state.items()}
  safetensors.numpy.save_file(state, folder / 'model.safetensors')
  found = checkpoint.read(folder).tensors
  assert found.keys() == {'0.weight', '0.bias'}
  wanted = conv.weight.detach().numpy()
  np.testing.assert_allclose(found['0.weight'], wanted, rtol=1e-5)


def remove(name):
  return lambda folder: (folder / name).unlink()


def overwrite(name, text):
  return lambda folder: (folder / name).write_text(text)


def truncate(folder):
  path = folder / 'model.safetensors'
  path.write_bytes(path.read_bytes()[:-3])


def pickled(folder):
  (folder / 'model.safetensors').rename(folder / 'pytorch_model.bin')


def sharded(weight_map):
  def shard(folder):
    (folder / 'model.safetensors').unlink()
    write_index(folder, weight_map)

  return shard


def half_a_norm(folder):
  tensors = {'conv.weight_g': np.ones((2, 1), np.float32)}
  safetensors.numpy.save_file(tensors, folder / 'model.safetensors')


def odd_norm(folder):
  tensors = {
      'conv.weight_g': np.ones((3, 1), np.float32),
      'conv.weight_v': np.ones((4, 2), np.float32),
  }
  safetensors.numpy.save_file(tensors, folder / 'model.safetensors')


def numbers(dtype):
  def save(folder):
    tensors = {'x': torch.ones(2).to(dtype)}
    safetensors.torch.save_file(tensors, folder / 'model.safetensors')

  return save


BREAKS = {
    'no config': (remove('config.json'), 'Cannot read .*config.json'),
    'torn config': (overwrite('config.json', '{"a": '), 'config.json is dam'),
    'deep config': (overwrite('config.json', '[' * 10**5), 'json is damaged'),
    'odd config': (overwrite('config.json', '[1]'), 'no JSON object'),
    'no weights': (remove('model.safetensors'), 'has no model.safetensors'),
    'torn weights': (truncate, 'model.safetensors is damaged'),
    'no safetensors': (overwrite('model.safetensors', 'pickle'), 'is damaged'),
    'pickled': (pickled, r'pytorch_model.bin is no .*save_pretrained\('),
    'shards gone': (sharded({'a': 'b.safetensors'}), 'Cannot read .*b.safe'),
    'shards elsewhere': (sharded({'a': '../b'}), 'does not say which files'),
    'shards unnamed': (sharded([]), 'does not say which files'),
    'half a norm': (half_a_norm, 'half of the weight norm of conv'),
    'odd norm': (odd_norm, r'lengths \(3, 1\) in the weight norm of conv'),
    '8 bits': (numbers(torch.float8_e4m3fn), 'type that cannot be used'),
    'complex': (numbers(torch.complex64), 'type that cannot be used'),
}


@pytest.mark.parametrize('name', BREAKS)
def test_what_is_broken_is_named_in_one_line(folder, name):
  break_it, message = BREAKS[name]
  break_it(folder)
  with pytest.raises(UserError, match=message) as error:
    checkpoint.read(folder)
  assert '\n' not in str(error.value)


def test_a_path_that_is_nowhere_or_pickled_is_refused(folder):
  with pytest.raises(UserError, match='does not exist'):
    checkpoint.read(folder / 'nowhere')
  (folder / 'model.bin').write_bytes(b'')
  with pytest.raises(UserError, match='model.bin is no safetensors'):
    checkpoint.read(folder / 'model.bin')
