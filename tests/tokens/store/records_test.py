"""Tests audiolm_jax/tokens/store/{records,example}.py against TensorFlow."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from audiolm_jax.errors import UserError
from audiolm_jax.tokens.store import records
from audiolm_jax.tokens.store.example import Example

tf = pytest.importorskip('tensorflow')

TEXTS = st.text(st.characters(exclude_categories=['Cs']), max_size=20)
IDS = st.integers(-(2**31), 2**31 - 1)
RECORDS = st.builds(
    records.Record,
    id=TEXTS,
    semantic=st.lists(IDS, max_size=30).map(lambda ids: np.array(ids, int)),
    acoustic=st.lists(st.tuples(IDS, IDS, IDS), max_size=30).map(
        lambda codes: np.array(codes, int).reshape(-1, 3)
    ),
    seconds=st.floats(0, 1e6, width=32),
    split=TEXTS,
    speaker=TEXTS,
)


def theirs(record: records.Record) -> bytes:
  """The record as TensorFlow serializes it."""

  def text(value):
    values = tf.train.BytesList(value=[value.encode()])
    return tf.train.Feature(bytes_list=values)

  def integers(values):
    values = tf.train.Int64List(value=values.reshape(-1))
    return tf.train.Feature(int64_list=values)

  seconds = tf.train.FloatList(value=[record.seconds])
  feature = {
      'id': text(record.id),
      'semantic': integers(record.semantic),
      'acoustic': integers(record.acoustic),
      'seconds': tf.train.Feature(float_list=seconds),
      'speaker': text(record.speaker),
      'split': text(record.split),
  }
  example = tf.train.Example(features=tf.train.Features(feature=feature))
  return example.SerializeToString(deterministic=True)


@hypothesis.settings(max_examples=60, deadline=None)
@hypothesis.given(RECORDS)
def test_records_are_bytes_of_tensorflow(record):
  assert records.serialize(record) == theirs(record)
  found = records.parse(theirs(record), 3)
  for one, other in zip(found, record, strict=True):
    np.testing.assert_array_equal(one, other)


def test_a_record_without_a_speaker_is_read():
  """As TensorFlow reads it: the other fields have no default."""
  record = records.Record('a', np.arange(2), np.zeros((2, 3), int), 1.0, 'dev')
  example = Example.FromString(records.serialize(record))
  del example.features.feature['speaker']
  assert records.parse(example.SerializeToString(), 3).speaker == ''
  for name in ('id', 'seconds', 'split'):
    lacking = Example()
    lacking.CopyFrom(example)
    del lacking.features.feature[name]
    with pytest.raises(UserError, match='not that of a clip'):
      records.parse(lacking.SerializeToString(), 3)


def test_packed_or_one_by_one_is_the_same():
  """Protocol buffers allow both, and lists in several pieces."""
  record = records.Record('a', np.arange(2), np.zeros((0, 3), int), 1.0, 'dev')
  example = Example.FromString(records.serialize(record))
  del example.features.feature['semantic']
  # Feature 'semantic' of 7 unpacked, then [300, 5] packed.
  values = b'\x08\x07\x0a\x03\xac\x02\x05'
  feature = b'\x1a' + bytes([len(values)]) + values
  entry = b'\x0a\x08semantic\x12' + bytes([len(feature)]) + feature
  features = b'\x0a' + bytes([len(entry)]) + entry
  more = b'\x0a' + bytes([len(features)]) + features
  found = records.parse(example.SerializeToString() + more, 3)
  assert found.semantic.tolist() == [7, 300, 5]


@hypothesis.settings(max_examples=300, deadline=None)
@hypothesis.given(st.binary(max_size=60), st.integers(0, 100))
def test_what_is_no_record_is_one_line(content, place):
  record = records.Record('a', np.arange(9), np.ones((4, 3), int), 1.0, 'dev')
  whole = records.serialize(record)
  for damaged in (content, whole[:place] + content + whole[place:]):
    try:
      records.parse(damaged, 3)
    except UserError as error:
      assert '\n' not in str(error)


def test_only_what_is_asked_for_is_read():
  record = records.Record('a', np.arange(2), np.ones((4, 3), int), 1.0, 'dev')
  for name, whole in (
      ('semantic', record.semantic[:, None]),
      ('acoustic', record.acoustic),
  ):
    found = records.parse_codes(records.serialize(record), 3, [name])
    assert found.keys() == {name}
    np.testing.assert_array_equal(found[name], whole)


def test_ids_that_no_tokenizer_has_are_refused():
  large = np.array([2**31])
  record = records.Record('a', large, np.ones((4, 3), int), 1.0, 'dev')
  with pytest.raises(UserError, match='not that of a clip'):
    records.parse(records.serialize(record), 3)


def test_codes_of_other_levels_are_refused():
  record = records.Record('a', np.arange(2), np.ones((4, 3), int), 1.0, 'dev')
  with pytest.raises(UserError, match='a has 12 codes, no frames of 5'):
    records.parse(records.serialize(record), 5)
