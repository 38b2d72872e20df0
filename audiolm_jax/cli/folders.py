"""Output folders, checked before any work is done."""

import pathlib
import tempfile

from audiolm_jax.errors import UserError


def writable(path: str) -> pathlib.Path:
  """Makes the folder if need be, and tries to write there."""
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
