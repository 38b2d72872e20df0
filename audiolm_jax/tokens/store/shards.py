"""The files of a token store: TFRecords that appear whole, and are checked."""

import contextlib
import hashlib
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from etils import epath

from audiolm_jax import described
from audiolm_jax.errors import UserError
from audiolm_jax.tokens.store import tfrecord
from audiolm_jax.tokens.store.records import Record, serialize

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


def name_of(path: str) -> str:
  """Returns what store.json calls a shard."""
  return os.path.basename(path)


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
  with _room(path):
    clips = tfrecord.write(partial, map(serialize, records))
    written = Written(clips, *_measure(partial))
    epath.Path(partial).replace(path)
  return written


def summary_path(path: str) -> str:
  """The path of what extraction says of a shard's clips."""
  return f'{path.removesuffix(".tfrecord")}.json'


def is_intact(path: str, written: Mapping[str, Any]) -> bool:
  """Returns whether a file is there and is what was written.

  Earlier versions noted neither sizes nor digests; of what they wrote every
  record is read.
  """
  if not epath.Path(path).exists():
    return False
  if 'sha256' in written:
    return _measure(path) == (written['bytes'], written['sha256'])
  try:
    return sum(1 for _ in tfrecord.read(path)) == written['clips']
  except tfrecord.DataLoss:
    return False


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
    if not epath.Path(path).exists():
      raise UserError(f'{path} is missing; {MEND}')
    written = listed.get(name_of(path)) or _summary(path)
    size = epath.Path(path).stat().length
    if size != written.get('bytes', size):
      raise UserError(
          f'{path} has {size} bytes and had {written["bytes"]}; {MEND}'
      )
    if not size and written.get('clips', 1):
      raise UserError(f'{path} is empty; {MEND}')


def read(path: str) -> Iterator[bytes]:
  """Yields the records of a shard in their order, serialized.

  Raises:
    UserError: The shard is damaged or gone.
  """
  with named(path):
    yield from tfrecord.read(path)


@contextlib.contextmanager
def named(path: str) -> Iterator[None]:
  """Turns damage of a file that is read within into a UserError."""
  try:
    yield
  except tfrecord.DataLoss as error:
    raise UserError(f'{path} is damaged; {MEND}') from error
  except FileNotFoundError as error:
    raise UserError(f'{path} is missing; {MEND}') from error


def _measure(path: str) -> tuple[int, str]:
  digest = hashlib.sha256()
  size = 0
  with epath.Path(path).open('rb') as file:
    while block := file.read(1 << 20):
      digest.update(block)
      size += len(block)
  return size, digest.hexdigest()


def read_json(path: str) -> dict[str, Any]:
  """Reads what `write_json` wrote.

  Raises:
    UserError: The file is damaged.
  """
  with epath.Path(path).open('rb') as file:
    return described.read(file.read(), path, MEND)


def write_json(path: str, value: Mapping[str, Any]) -> None:
  """Writes a file that appears whole or not at all.

  Raises:
    UserError: The disk is full, or the folder is gone or read-only.
  """
  partial = temporary(path)
  with _room(path):
    epath.Path(partial).write_text(described.write(value))
    epath.Path(partial).replace(path)


@contextlib.contextmanager
def _room(path: str) -> Iterator[None]:
  try:
    yield
  except OSError as error:
    raise UserError(
        f'Cannot write {path} ({error.strerror or error}); mend that'
        ' and run the same command again: it goes on where it stopped.'
    ) from error


def _summary(path: str) -> dict[str, Any]:
  if not epath.Path(summary_path(path)).exists():
    return {}
  return read_json(summary_path(path))
