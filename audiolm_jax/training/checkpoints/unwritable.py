"""Failures to save, told in one line: a disk that is full or gone."""

import contextlib
import re
from collections.abc import Iterator

from etils import epath

from audiolm_jax.errors import UserError

# How TensorStore ends its messages about files: "... No space left on device
# [os_error_code='28']".
_SYSTEM = re.compile(r"([^:\[]+?) \[os_error_code='\d+'")


@contextlib.contextmanager
def named(directory: epath.Path) -> Iterator[None]:
  """Turns a failure of the file system into a UserError.

  Orbax saves in threads of its own: the failure of a save comes up in the call
  that waits for it.
  """
  try:
    yield
  except OSError as error:
    raise _failed(directory, error.strerror or str(error)) from error
  except ValueError as error:
    # Where files are gone that it wrote before, Orbax finds many words.
    said = _SYSTEM.search(str(error))
    reason = said.group(1) if said else str(error).partition('\n')[0][:200]
    raise _failed(directory, reason.strip()) from error


def _failed(directory: epath.Path, reason: str) -> UserError:
  return UserError(
      f'A checkpoint could not be saved in {directory} ({reason}); mend that'
      ' and run the same command again: it goes on from the last whole one.'
  )
