"""One clip of the token store, in memory and as a tf.train.Example."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf
from jaxtyping import Int

from audiolm_jax.errors import UserError
from audiolm_jax.tokens.fields import ACOUSTIC, SEMANTIC

_INTEGERS = tf.io.FixedLenSequenceFeature([], tf.int64, allow_missing=True)
FEATURES = {
    'id': tf.io.FixedLenFeature([], tf.string),
    SEMANTIC: _INTEGERS,
    ACOUSTIC: _INTEGERS,
    'seconds': tf.io.FixedLenFeature([], tf.float32),
    'speaker': tf.io.FixedLenFeature([], tf.string, ''),
    'split': tf.io.FixedLenFeature([], tf.string),
}


class Record(NamedTuple):
  """One clip.

  Attributes:
    id: Unique in its store.
    semantic: One id a frame, repeats included.
    acoustic: Codes of all levels.
    seconds: Length of the clip, without padding.
    split: 'train', 'dev', 'test', ...
    speaker: Who speaks, or ''.
  """

  id: str
  semantic: Int[np.ndarray, ' T']
  acoustic: Int[np.ndarray, 'T2 Q']
  seconds: float
  split: str
  speaker: str = ''


def serialize(record: Record) -> bytes:
  """As a tf.train.Example."""
  features = {
      'id': _text(record.id),
      SEMANTIC: _integers(record.semantic),
      ACOUSTIC: _integers(record.acoustic),
      'seconds': tf.train.Feature(
          float_list=tf.train.FloatList(value=[record.seconds])
      ),
      'speaker': _text(record.speaker),
      'split': _text(record.split),
  }
  example = tf.train.Example(features=tf.train.Features(feature=features))
  # In the order of the names: equal records are equal bytes.
  return example.SerializeToString(deterministic=True)


def parse(serialized: bytes, num_levels: int) -> Record:
  """The record that `serialize` wrote.

  Raises:
    UserError: Its codes do not come in so many levels.
  """
  parsed = tf.io.parse_single_example(serialized, FEATURES)
  values = {name: value.numpy() for name, value in parsed.items()}
  codes = values[ACOUSTIC].astype(np.int32)
  if len(codes) % num_levels:
    raise UserError(
        f'{values["id"].decode()} has {len(codes)} codes, no frames of'
        f' {num_levels} levels; its store.json is of another store. Extract it'
        ' again.'
    )
  return Record(
      id=values['id'].decode(),
      semantic=values[SEMANTIC].astype(np.int32),
      acoustic=codes.reshape(-1, num_levels),
      seconds=float(values['seconds']),
      split=values['split'].decode(),
      speaker=values['speaker'].decode(),
  )


def _text(value: str) -> tf.train.Feature:
  return tf.train.Feature(
      bytes_list=tf.train.BytesList(
          value=[value.encode(errors='backslashreplace')]
      )
  )


def _integers(values: Int[np.ndarray, '*T']) -> tf.train.Feature:
  return tf.train.Feature(
      int64_list=tf.train.Int64List(value=values.reshape(-1))
  )
