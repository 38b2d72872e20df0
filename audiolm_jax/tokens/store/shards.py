"""The files of a token store: TFRecords that appear whole, and are checked."""

import contextlib
import hashlib
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from audiolm_jax import described
from audiolm_jax.errors import UserError
from audiolm_jax.tokens.store.records import Record, serialize

# TensorFlow only reads and writes files here; accelerators are JAX's.
tf.config.set_visible_devices([], 'GPU')

MEND = (
    'run audiolm extract again as before: it makes only what is missing or'
    ' damaged.'
)


class Written(NamedTuple):
  """Size and digest of a shard when it was written.

  Attributes:
    clips: Number of its records.
    bytes: Size of the file.
    sha256: Digest of the file, in hexadecimal digits.
  """

  clips: int
  bytes: int
  sha256: str


def path_of(token_dir: str, split: str, index: int, num_shards: int) -> str:
  """Returns where a shard is."""
  name = f'{split}-{index:05d}-of-{num_shards:05d}.tfrecord'
  return os.path.join(token_dir, name)


def temporary(path: str) -> str:
  """A name beside `path`; Beam may have two workers write the same file."""
  return f'{path}.tmp-{uuid.uuid4().hex}'


def write(path: str, records: Iterable[Record]) -> Written:
  """Writes a shard that appears whole or not at all.

  Equal records in equal order are equal bytes.

  Raises:
    UserError: The disk is full, or the folder is gone or read-only.
  """
  partial = temporary(path)
  clips = 0
  with _room(path):
    with tf.io.TFRecordWriter(partial) as writer:
      for record in records:
        writer.write(serialize(record))
        clips += 1
    written = Written(clips, *_measure(partial))
    tf.io.gfile.rename(partial, path, overwrite=True)
  return written


def summary_path(path: str) -> str:
  """The path of what extraction says of a shard's clips."""
  return f'{path.removesuffix(".tfrecord")}.json'


def is_intact(path: str, written: Mapping[str, Any]) -> bool:
  """Returns whether a file is there and is what was written.

  Earlier versions noted neither sizes nor digests; of what they wrote every
  record is read.
  """
  if not tf.io.gfile.exists(path):
    return False
  if 'sha256' in written:
    return _measure(path) == (written['bytes'], written['sha256'])
  return _count(path) == written['clips']


def check(
    paths: Sequence[str], listed: Mapping[str, Mapping[str, Any]]
) -> None:
  """Checks that the files of a store are there, and as long as they were.

  Args:
    paths: Their paths.
    listed: Written's fields by name of the file, as store.json has them. Of a
      file that is not listed only its number of clips may be known.

  Raises:
    UserError: One is missing, emptied or of another size.
  """
  for path in paths:
    if not tf.io.gfile.exists(path):
      raise UserError(f'{path} is missing; {MEND}')
    written = listed.get(os.path.basename(path)) or _summary(path)
    size = tf.io.gfile.stat(path).length
    if size != written.get('bytes', size):
      raise UserError(
          f'{path} has {size} bytes and had {written["bytes"]}; {MEND}'
      )
    if not size and written.get('clips', 1):
      raise UserError(f'{path} is empty; {MEND}')


def elements(dataset: tf.data.Dataset, paths: Sequence[str]) -> Iterator[Any]:
  """Yields the elements of a dataset over these files, as NumPy arrays.

  Raises:
    UserError: One of the files is damaged; it is named.
  """
  iterator = dataset.as_numpy_iterator()
  while True:
    try:
      element = next(iterator)
    except StopIteration:
      return
    except tf.errors.DataLossError as error:
      damaged = [path for path in paths if _count(path) is None]
      names = ', '.join(damaged or paths)
      raise UserError(f'{names} is damaged; {MEND}') from error
    yield element


def _measure(path: str) -> tuple[int, str]:
  digest = hashlib.sha256()
  size = 0
  with tf.io.gfile.GFile(path, 'rb') as file:
    while block := file.read(1 << 20):
      digest.update(block)
      size += len(block)
  return size, digest.hexdigest()


def read_json(path: str) -> dict[str, Any]:
  """Reads what `write_json` wrote.

  Raises:
    UserError: It is damaged.
  """
  with tf.io.gfile.GFile(path, 'rb') as file:
    return described.read(file.read(), path, MEND)


def write_json(path: str, value: Mapping[str, Any]) -> None:
  """Writes a file that appears whole or not at all.

  Raises:
    UserError: The disk is full, or the folder is gone or read-only.
  """
  partial = temporary(path)
  with _room(path):
    with tf.io.gfile.GFile(partial, 'w') as file:
      file.write(described.write(value))
    tf.io.gfile.rename(partial, path, overwrite=True)


@contextlib.contextmanager
def _room(path: str) -> Iterator[None]:
  try:
    yield
  except tf.errors.OpError as error:
    raise UserError(
        f'Cannot write {path} ({error.message.rpartition("; ")[2]}); mend that'
        ' and run the same command again: it goes on where it stopped.'
    ) from error


def _summary(path: str) -> dict[str, Any]:
  if not tf.io.gfile.exists(summary_path(path)):
    return {}
  return read_json(summary_path(path))


def _count(path: str) -> int | None:
  """Number of records of a file; None if it is damaged."""
  try:
    return sum(1 for _ in tf.data.TFRecordDataset(path))
  except (tf.errors.DataLossError, tf.errors.NotFoundError):
    return None
