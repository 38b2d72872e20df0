"""Bundles on the Hugging Face hub, by address: its cache, or a download.

hf://ORG/NAME            the newest commit of a repository of models
hf://ORG/NAME@REVISION   a branch, a tag or a commit of it
"""

import contextlib
import os
import pathlib
import re
import types
from collections.abc import Iterator
from typing import NamedTuple

from audiolm_jax.bundle.names import PARTS
from audiolm_jax.errors import UserError

# What a bundle may hold; nothing else of a repository is read or written.
FILES = (
    'bundle.json',
    *(f'{part}.safetensors' for part in PARTS),
    'MODEL_CARD.md',
    'README.md',
)
_SCHEME = 'hf://'
_ADDRESS = re.compile(r'(\w[\w.-]*/\w[\w.-]*)(?:@(\w[\w./-]*))?', re.ASCII)


class Address(NamedTuple):
  """A repository of models; `revision` is None for its newest commit."""

  repository: str
  revision: str | None

  def __str__(self) -> str:
    """The address as users write it."""
    behind = f'@{self.revision}' if self.revision else ''
    return f'{_SCHEME}{self.repository}{behind}'


def is_address(path_or_name: str | os.PathLike) -> bool:
  """Returns whether it names a repository, and no folder."""
  return os.fspath(path_or_name).startswith(_SCHEME)


def address(text: str) -> Address:
  """Reads hf://ORG/NAME or hf://ORG/NAME@REVISION.

  Raises:
    UserError: The address is malformed.
  """
  found = _ADDRESS.fullmatch(text.removeprefix(_SCHEME))
  if not found or '..' in text:
    raise _malformed(text)
  return Address(*found.groups())


def fetch(where: str) -> pathlib.Path:
  """Returns a folder of the hub's cache that holds the bundle's files.

  What the cache lacks is downloaded, and the files of a bundle alone. Nobody
  has looked at them: they are a stranger's.

  Args:
    where: hf://ORG/NAME, or hf://ORG/NAME@REVISION.

  Raises:
    UserError: There is no such bundle, the hub cannot be reached and the cache
      lacks it, or the package huggingface_hub is missing.
  """
  asked = address(where)
  with one_line(asked) as library:
    folder = library.snapshot_download(
        asked.repository, revision=asked.revision, allow_patterns=list(FILES)
    )
  found = pathlib.Path(folder)
  if not (found / 'bundle.json').is_file():
    raise UserError(f'{where} is no bundle: it has no bundle.json.')
  return found


@contextlib.contextmanager
def one_line(asked: Address) -> Iterator[types.ModuleType]:
  """Gives the library; what it raises becomes a UserError with the address."""
  try:
    import huggingface_hub
    from huggingface_hub import errors
  except ImportError as error:
    raise UserError(
        f'{asked} needs the package huggingface_hub, which is not installed:'
        " pip install 'audiolm_jax[hub]'."
    ) from error
  try:
    yield huggingface_hub
  except errors.HFValidationError as error:
    raise _malformed(str(asked)) from error
  except (errors.HTTPError, OSError) as error:
    raise UserError(f'{asked}{_reason(error, errors)}') from error


def _reason(error: Exception, errors: types.ModuleType) -> str:
  if isinstance(error, errors.RevisionNotFoundError):
    return ': the repository has no such revision.'
  if isinstance(error, errors.RepositoryNotFoundError):
    return (
        ' is not on the hub, or not open to you; check the name, or log in'
        ' with hf auth login.'
    )
  out_of_reach = (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled)
  if isinstance(error, out_of_reach):
    return (
        ': the hub cannot be reached, and its cache on this machine does not'
        ' hold the bundle; try again online, without HF_HUB_OFFLINE.'
    )
  # A server says more in the lines behind the first.
  lines = str(getattr(error, 'server_message', None) or error).splitlines()
  return f': {lines[0] if lines else type(error).__name__}'


def _malformed(text: str) -> UserError:
  return UserError(
      f'{text!r} is no name of a bundle on the hub: give hf://ORG/NAME, or'
      ' hf://ORG/NAME@REVISION.'
  )
