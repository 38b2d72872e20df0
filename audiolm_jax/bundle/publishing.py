"""Puts the folder of a bundle on the Hugging Face hub."""

import os
import pathlib
from collections.abc import Collection

import audiolm_jax
from audiolm_jax.bundle import folder as bundle_folder
from audiolm_jax.bundle import hub, readme
from audiolm_jax.errors import UserError


class Published:
  """An object that is loaded from the folder of a bundle and can be published.

  Attributes:
    folder: The folder; None if it was put together in memory.
  """

  folder: pathlib.Path | None = None

  def push_to_hub(
      self,
      repo_id: str,
      private: bool | None = None,
      token: str | None = None,
  ) -> str:
    """Uploads that folder to the Hugging Face hub, as `push` does.

    A bundle that was not loaded is saved first, and then loaded.
    """
    return push(self.folder, repo_id, private, token)


def push(
    folder: str | os.PathLike | None,
    repo_id: str,
    private: bool | None = None,
    token: str | None = None,
) -> str:
  """Uploads the files of a bundle, as they are, in one commit.

  README.md, which is the repository's page, is made of MODEL_CARD.md unless it
  stands in the folder. Parts of an earlier bundle are deleted there; any other
  file of the repository, and of the folder, stays where it is.

  Args:
    folder: A bundle; None for one that was never written.
    repo_id: ORG/NAME; the repository is made if it does not exist.
    private: Whether a repository that is made is closed to others; by default
      what its owner has set on the hub.
    token: By default the one of `hf auth login`.

  Returns:
    hf://ORG/NAME@COMMIT, which loads these very bytes.

  Raises:
    UserError: The folder is no bundle or is damaged, the name is malformed, the
      hub refuses it or cannot be reached, or huggingface_hub is missing.
  """
  where = hub.address(repo_id)
  if where.revision:
    raise UserError(f'{repo_id}: give ORG/NAME alone to push to.')
  contents = _contents(folder, str(where))
  with hub.one_line(where) as library:
    api = library.HfApi(token=token)
    api.create_repo(where.repository, private=private, exist_ok=True)
    stale = _stale(api.list_repo_files(where.repository), contents)
    commit = api.create_commit(
        where.repository,
        [
            *(library.CommitOperationAdd(*item) for item in contents.items()),
            *(library.CommitOperationDelete(name) for name in stale),
        ],
        commit_message=f'A bundle of audiolm_jax {audiolm_jax.__version__}',
    )
  return str(where._replace(revision=commit.oid))


def _contents(
    folder: str | os.PathLike | None, where: str
) -> dict[str, pathlib.Path | bytes]:
  """Files by name; the folder is read as a whole first."""
  if folder is None:
    raise UserError(
        'This bundle stands in no folder: save it, and push what Bundle.load'
        ' reads from there.'
    )
  parts = bundle_folder.read(folder)
  found = bundle_folder.find(folder)
  names = ('bundle.json', *(f'{part}.safetensors' for part in parts))
  contents: dict[str, pathlib.Path | bytes] = {
      name: found / name for name in names
  }
  card = found / 'MODEL_CARD.md'
  text = f'# {where}\n'
  if card.is_file():
    contents[card.name] = card
    text = card.read_text(encoding='utf-8', errors='replace')
  own = found / 'README.md'
  made = readme.page(text, where, set(parts) == {'classifier'})
  contents[own.name] = own if own.is_file() else made.encode()
  return contents


def _stale(there: Collection[str], contents: Collection[str]) -> list[str]:
  return [name for name in there if name in set(hub.FILES) - set(contents)]
