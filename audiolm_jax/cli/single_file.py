"""One sample as one file, where a name of a file is given for a folder."""

import pathlib
import shutil

from audiolm_jax import files
from audiolm_jax.errors import UserError

SUFFIX = '.wav'
_NOT_WRITTEN = {'.aac', '.flac', '.m4a', '.mp3', '.ogg', '.opus', '.wma'}


def is_asked_for(output_dir: str) -> bool:
  """Says whether a place is a WAV file's, and no folder that is there.

  Raises:
    UserError: The place is named like an audio file that is no WAV file.
  """
  path = pathlib.Path(output_dir)
  suffix = path.suffix.lower()
  if suffix in _NOT_WRITTEN and not path.is_dir():
    raise UserError(
        f'Only WAV files are written: {path.with_suffix(SUFFIX)} in the place'
        f' of {path}, or a folder.'
    )
  return suffix == SUFFIX and not path.is_dir()


def folder(output_dir: str, num_samples: int, num_hosts: int) -> pathlib.Path:
  """The folder that is worked in, beside the file.

  Raises:
    UserError: The file cannot hold what is asked for, it is there already, or
      nothing can be written there.
  """
  path = pathlib.Path(output_dir)
  if num_samples != 1 or num_hosts != 1:
    raise UserError(
        f'{path} is one file, and {num_samples} samples on {num_hosts} hosts'
        ' are asked for; name a folder.'
    )
  if path.exists():
    raise UserError(f'{path} is there already; name another file.')
  return files.writable(f'{path}.parts')


def conclude(output_dir: str, made: pathlib.Path) -> None:
  """Puts the sample in its place, and takes the folder around it away."""
  made.replace(output_dir)
  shutil.rmtree(made.parent)
