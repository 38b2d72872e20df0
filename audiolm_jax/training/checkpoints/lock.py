"""One run at a time in a folder: two would delete each other's checkpoints."""

import contextlib
import logging
import os
import pathlib
import socket
from collections.abc import Iterator

import filelock
import jax

from audiolm_jax.errors import UserError

log = logging.getLogger(__name__)

_LOCK, _HOLDER = '.lock', '.lock.holder'


@contextlib.contextmanager
def alone_in(folder: str) -> Iterator[None]:
  """Keeps other runs out of a folder while the context lasts.

  The system lets go of the lock when the process ends, however it ends: no lock
  is ever stale. Of several processes that train together the first holds it.
  Folders of object stores, such as gs://, and file systems without locks are
  not kept.

  Args:
    folder: Folder of the run; it is made if it does not exist.

  Raises:
    UserError: Another run is in it; the message names its host and process.
  """
  if jax.process_index() or '://' in folder:
    yield
    return
  path = pathlib.Path(folder)
  lock = filelock.FileLock(path / _LOCK)
  try:
    path.mkdir(parents=True, exist_ok=True)
    lock.acquire(timeout=0)
    (path / _HOLDER).write_text(
        f'process {os.getpid()} on {socket.gethostname()}'
    )
  except filelock.Timeout as error:
    raise UserError(
        f'{folder} belongs to a run that goes on ({_holder(path)}); stop that'
        ' one, or give another MODEL_DIR.'
    ) from error
  except (OSError, NotImplementedError) as error:
    # What cannot be written is found out where it is written.
    log.warning('%s cannot be locked (%s): start no second run.', folder, error)
  try:
    yield
  finally:
    lock.release()


def _holder(path: pathlib.Path) -> str:
  try:
    return (path / _HOLDER).read_text().strip()
  except OSError:
    return 'of an unknown process'
