"""Tests audiolm_jax/tokens/store/tfrecord.py against TensorFlow."""

import hypothesis
import pytest
from hypothesis import strategies as st

from audiolm_jax.tokens.store import tfrecord

tf = pytest.importorskip('tensorflow')

RECORDS = [b'', b'a', b'tokens' * 100, bytes(range(256)) * 40]


@pytest.fixture
def path(tmp_path) -> str:
  path = str(tmp_path / 'a.tfrecord')
  assert tfrecord.write(path, RECORDS) == len(RECORDS)
  return path


@hypothesis.settings(max_examples=25, deadline=None)
@hypothesis.given(st.lists(st.binary(max_size=400)))
def test_files_are_those_of_tensorflow(tmp_path_factory, records):
  folder = tmp_path_factory.mktemp('files')
  ours, theirs = str(folder / 'ours'), str(folder / 'theirs')
  tfrecord.write(ours, records)
  with tf.io.TFRecordWriter(theirs) as writer:
    for record in records:
      writer.write(record)
  with open(ours, 'rb') as one, open(theirs, 'rb') as other:
    assert one.read() == other.read()
  assert list(tfrecord.read(theirs)) == records


def test_a_record_is_read_where_it_lies(path):
  found = tfrecord.offsets(path)
  assert [tfrecord.read_at(path, offset) for offset in found] == RECORDS


def test_no_bit_may_flip(path):
  with open(path, 'rb') as file:
    content = file.read()
  for position in range(0, 8 * len(content), 509):
    flipped = bytearray(content)
    flipped[position // 8] ^= 1 << position % 8
    with open(path, 'wb') as file:
      file.write(flipped)
    with pytest.raises(tfrecord.DataLoss):
      list(tfrecord.read(path))
    with pytest.raises(tfrecord.DataLoss):
      for offset in tfrecord.offsets(path):
        tfrecord.read_at(path, offset)


@pytest.mark.parametrize('lost', [1, 4, 9, 3000, 10240])
def test_a_file_that_lost_its_end_is_damaged(path, lost):
  with open(path, 'rb') as file:
    content = file.read()
  with open(path, 'wb') as file:
    file.write(content[:-lost])
  with pytest.raises(tfrecord.DataLoss):
    list(tfrecord.read(path))
  with pytest.raises(tfrecord.DataLoss):
    tfrecord.offsets(path)


def test_beyond_the_end_there_is_nothing(path):
  with open(path, 'rb') as file:
    size = len(file.read())
  for offset in (size, size + 100, 5):
    with pytest.raises(tfrecord.DataLoss):
      tfrecord.read_at(path, offset)
