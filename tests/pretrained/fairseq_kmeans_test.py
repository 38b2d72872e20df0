"""Published centroids are read, and nothing that a file says is run."""

import gzip
import pickle
import zlib

import numpy as np
import pytest
from safetensors.numpy import save_file

from audiolm_jax.errors import UserError
from audiolm_jax.pretrained import fairseq_kmeans

CENTROIDS = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)


def write(path, data):
  path.write_bytes(data)
  return path


def estimator(dtype=np.float32, order='C'):
  """As scikit-learn leaves it after a fit, random generator included."""
  cluster = pytest.importorskip('sklearn.cluster')
  random = np.random.RandomState(0)
  frames = random.normal(size=(40, 3)).astype(dtype)
  kmeans = cluster.MiniBatchKMeans(5, random_state=random, n_init=1)
  kmeans.fit(frames)
  kmeans.cluster_centers_ = np.asarray(kmeans.cluster_centers_, order=order)
  return kmeans


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
@pytest.mark.parametrize('order', 'CF')
def test_an_estimator_dumped_by_joblib(dtype, order, tmp_path):
  joblib = pytest.importorskip('joblib')
  kmeans = estimator(dtype, order)
  joblib.dump(kmeans, tmp_path / 'kmeans.bin')
  found = fairseq_kmeans.read(tmp_path / 'kmeans.bin')
  assert found.dtype == np.float32 and found.flags.c_contiguous
  np.testing.assert_array_equal(found, kmeans.cluster_centers_.astype('f4'))


@pytest.mark.parametrize('compress', [1, 9, ('zlib', 3), ('gzip', 3)])
def test_an_estimator_compressed_by_joblib(compress, tmp_path):
  joblib = pytest.importorskip('joblib')
  kmeans = estimator()
  joblib.dump(kmeans, tmp_path / 'kmeans.bin', compress=compress)
  found = fairseq_kmeans.read(tmp_path / 'kmeans.bin')
  np.testing.assert_array_equal(found, kmeans.cluster_centers_)


@pytest.mark.parametrize('pack', [zlib.compress, gzip.compress])
def test_a_compressed_file_that_is_cut_or_without_end(
    pack, tmp_path, monkeypatch
):
  data = old_joblib(CENTROIDS)
  path = write(tmp_path / 'kmeans.bin', pack(data)[:-20])
  with pytest.raises(UserError, match='It is cut, or of more than'):
    fairseq_kmeans.read(path)
  monkeypatch.setattr(fairseq_kmeans, '_LARGEST', len(data) - 1)
  with pytest.raises(UserError, match='It is cut, or of more than'):
    fairseq_kmeans.read(write(path, pack(data)))


@pytest.mark.parametrize('method', ['bz2', 'lzma', 'xz'])
def test_other_compressions_are_refused(method, tmp_path):
  joblib = pytest.importorskip('joblib')
  joblib.dump(CENTROIDS, tmp_path / 'kmeans.bin', compress=(method, 3))
  with pytest.raises(UserError, match='by nothing but zlib or gzip') as caught:
    fairseq_kmeans.read(tmp_path / 'kmeans.bin')
  assert '\n' not in str(caught.value)


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_an_estimator_pickled_plainly(protocol, tmp_path):
  kmeans = estimator()
  path = write(tmp_path / 'kmeans.pkl', pickle.dumps(kmeans, protocol))
  np.testing.assert_array_equal(
      fairseq_kmeans.read(path), kmeans.cluster_centers_
  )


@pytest.mark.parametrize('protocol', [2, 4])
@pytest.mark.parametrize('key', [None, 'centroids', 'cluster_centers_'])
def test_a_table_or_a_dict_of_tables(key, protocol, tmp_path):
  joblib = pytest.importorskip('joblib')
  table = {'other': CENTROIDS[0], key: CENTROIDS} if key else CENTROIDS
  joblib.dump(table, tmp_path / 'joblib', protocol=protocol)
  write(tmp_path / 'plain', pickle.dumps(table, protocol))
  for name in ('joblib', 'plain'):
    found = fairseq_kmeans.read(tmp_path / name)
    np.testing.assert_array_equal(found, CENTROIDS)


def old_joblib(table):
  """A file of joblib before 1.2, by hand: opcodes, numbers, opcodes.

  As hubert_base_ls960_L9_km500.bin is: no padding aligns the numbers.
  """
  dtype = pickle.dumps(table.dtype, 3)[2:-1]
  return b''.join(
      [
          b'\x80\x03csklearn.cluster._kmeans\nMiniBatchKMeans\nq\x00)\x81q\x01}',
          b'q\x02(X\x10\x00\x00\x00cluster_centers_q\x03',
          b'cjoblib.numpy_pickle\nNumpyArrayWrapper\nq\x04)\x81q\x05}q\x06(',
          b'X\x08\x00\x00\x00subclassq\x07cnumpy\nndarray\nq\x08',
          b'X\x05\x00\x00\x00shapeq\x09',
          b'K%cK%c\x86q\x0a' % table.shape,
          b'X\x05\x00\x00\x00orderq\x0bX\x01\x00\x00\x00Cq\x0c',
          b'X\x05\x00\x00\x00dtypeq\x0d',
          dtype,
          b'X\x0a\x00\x00\x00allow_mmapq\x11\x88ub',
          table.tobytes(),
          b'X\x0a\x00\x00\x00n_clustersq\x12K%cub.' % len(table),
      ]
  )


def test_an_estimator_of_the_joblib_of_its_day(tmp_path):
  path = write(tmp_path / 'km500.bin', old_joblib(CENTROIDS))
  np.testing.assert_array_equal(fairseq_kmeans.read(path), CENTROIDS)


def test_npy_and_safetensors(tmp_path):
  np.save(tmp_path / 'a.npy', CENTROIDS.astype(np.float64))
  save_file({'x': CENTROIDS, 'y': CENTROIDS[0]}, tmp_path / 'b.safetensors')
  tables = {'centroids': CENTROIDS, 'std': CENTROIDS[:1]}
  save_file(tables, tmp_path / 'c.safetensors')
  for name in ('a.npy', 'b.safetensors', 'c.safetensors'):
    np.testing.assert_array_equal(
        fairseq_kmeans.read(tmp_path / name), CENTROIDS
    )


class Call:
  """What pickles as a call of anything with anything."""

  def __init__(self, *call):
    self.call = call

  def __reduce__(self):
    return self.call


def reached(*_):
  raise AssertionError('The file was run.')


@pytest.mark.parametrize('protocol', [0, 2, 5])
@pytest.mark.parametrize('place', ['top', 'within', 'state'])
def test_a_file_that_wants_to_run_something(place, protocol, tmp_path):
  left = tmp_path / 'left'
  call = Call(exec, (f'open({str(left)!r}, "w")',))
  tree = {
      'top': call,
      'within': {'cluster_centers_': CENTROIDS, 'extra': [call]},
      'state': Call(np.dtype, ('f4',), {'names': Call(reached, ())}),
  }[place]
  path = write(tmp_path / 'kmeans.bin', pickle.dumps(tree, protocol))
  with pytest.raises(UserError, match='refused: it asks for') as caught:
    fairseq_kmeans.read(path)
  assert '\n' not in str(caught.value)
  assert not left.exists()


def test_calls_of_known_names_are_not_made(tmp_path):
  """Even NumPy's functions are only read about."""
  path = tmp_path / 'kmeans.bin'
  left = tmp_path / 'left'
  call = Call(np.ndarray.tofile, (CENTROIDS, str(left)))
  write(path, pickle.dumps(call))
  with pytest.raises(UserError):
    fairseq_kmeans.read(path)
  data = b'\x80\x04\x8c\x03a\nb\x8c\x01c\x93.'
  with pytest.raises(UserError, match=r"it asks for 'a\\nb\.c'") as caught:
    fairseq_kmeans.read(write(path, data))
  assert '\n' not in str(caught.value)
  data = b'csklearn.utils\nsystem\n(X\x04\x00\x00\x00exittR.'
  with pytest.raises(UserError, match='no k-means'):
    fairseq_kmeans.read(write(path, data))
  assert not left.exists()


DAMAGED = {
    'empty': b'',
    'text': b'These are no centroids.',
    'cut': old_joblib(CENTROIDS)[:-70],
    'cut within opcodes': old_joblib(CENTROIDS)[:150],
    'stack': b'\x80\x03a.',
    'memo': b'\x80\x03h\x07.',
    'number': pickle.dumps(7),
    'words': pickle.dumps({'centroids': ['a', 'b']}),
    'objects': pickle.dumps({'centroids': np.array([[None]])}),
    'a row': pickle.dumps(CENTROIDS[0]),
    'characters': pickle.dumps(np.array([['a']])),
    'not finite': pickle.dumps(np.full((5, 3), np.nan)),
    'set': pickle.dumps({1, 2}),
    'huge': old_joblib(CENTROIDS).replace(b'K\x05K\x03', b'K\xffK\xff'),
    # A tuple in a tuple in a tuple, whose hash overflows the stack.
    'deep key': b'\x80\x04})' + b'\x85' * 200_000 + b'K\x01s.',
    'deep name': b'\x80\x04)' + b'\x85' * 200_000 + b'\x8c\x01a\x93.',
    'a number for bytes': pickle.dumps(CENTROIDS, 4).replace(
        b'C\x3c' + CENTROIDS.tobytes(), b'\x8a\x06' + b'\xff' * 5 + b'\x0f'
    ),
}


@pytest.mark.parametrize('case', DAMAGED)
@pytest.mark.parametrize('suffix', ['bin', 'npy', 'safetensors'])
def test_a_file_without_centroids(case, suffix, tmp_path):
  path = write(tmp_path / f'kmeans.{suffix}', DAMAGED[case])
  with pytest.raises(UserError, match='kmeans') as caught:
    fairseq_kmeans.read(path)
  assert '\n' not in str(caught.value)


def test_a_header_that_goes_on(tmp_path):
  np.save(tmp_path / 'kmeans.npy', CENTROIDS)
  data = (tmp_path / 'kmeans.npy').read_bytes().replace(b'}', b' ')
  with pytest.raises(UserError, match='no k-means'):
    fairseq_kmeans.read(write(tmp_path / 'kmeans.npy', data))


def test_an_array_larger_than_memory(tmp_path):
  header = {'descr': '<f4', 'fortran_order': False, 'shape': (2**44, 4)}
  with (tmp_path / 'kmeans.npy').open('wb') as file:
    np.lib.format.write_array_header_1_0(file, header)
  with pytest.raises(UserError, match='no k-means'):
    fairseq_kmeans.read(tmp_path / 'kmeans.npy')


def test_files_of_other_kinds(tmp_path):
  np.save(tmp_path / 'objects.npy', np.array([[None]]), allow_pickle=True)
  save_file({'x': CENTROIDS[0]}, tmp_path / 'row.safetensors')
  for name in ('objects.npy', 'row.safetensors', 'missing.bin', '.'):
    with pytest.raises(UserError):
      fairseq_kmeans.read(tmp_path / name)


def test_any_cut_and_any_changed_byte_is_an_error_or_a_table(tmp_path):
  data = old_joblib(CENTROIDS)
  random = np.random.default_rng(1)
  for place in random.integers(len(data), size=150).tolist():
    changed = bytearray(data)
    changed[place] ^= int(random.integers(1, 256))
    for damaged in (bytes(changed), data[:place]):
      path = write(tmp_path / 'kmeans.bin', damaged)
      try:
        assert fairseq_kmeans.read(path).ndim == 2
      except UserError as error:
        assert '\n' not in str(error)
