"""Files that are whole or not there, and folders that can be written to."""

import os
import pathlib
import tempfile
import zlib

from audiolm_jax.errors import UserError

_LONGEST_NAME = 255  # Bytes, of common file systems.


def write(path: pathlib.Path, content: bytes, writer: str = '') -> None:
  """Writes a file that takes its name only when complete.

  Args:
    path: Beside it `.NAME.tmp` is written, which a killed process leaves behind
      and the next attempt replaces.
    content: All of the file.
    writer: Tells those apart that may write the same file at the same time.
  """
  unfinished = temporary(path, writer)
  try:
    unfinished.write_bytes(content)
    unfinished.replace(path)
  finally:
    unfinished.unlink(missing_ok=True)


def temporary(path: pathlib.Path, writer: str = '') -> pathlib.Path:
  """The name of a file until it is whole; as long as names may be."""
  name = os.fsencode(f'.{path.name}{writer}.tmp')
  if len(name) > _LONGEST_NAME:
    name = name[: _LONGEST_NAME - 13] + b'%08x.tmp' % zlib.crc32(name)
  return path.with_name(os.fsdecode(name))


def writable(path: str) -> pathlib.Path:
  """Makes the folder if need be, and tries to write there.

  Raises:
    UserError: The folder cannot be made or written to.
  """
  folder = pathlib.Path(path)
  try:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
      pass
  except OSError as error:
    raise UserError(
        f'Cannot write to {path} ({error.strerror}); choose another'
        ' --output_dir.'
    ) from error
  return folder
