"""The folder that `audiolm generate` fills, and goes on filling."""

import contextlib
import pathlib
from collections.abc import Iterator, Sequence

from audiolm_jax.cli import manifests
from audiolm_jax.cli.hosts import Share
from audiolm_jax.cli.manifests import Line
from audiolm_jax.cli.plan import Job
from audiolm_jax.errors import UserError


class Outputs:
  """WAVs and manifests; whatever is noted there is not made again."""

  def __init__(self, folder: pathlib.Path, share: Share):
    """Looks at what is there.

    Args:
      folder: Folder that everything is written to.
      share: Share of this host; the folder is that of all hosts.

    Raises:
      UserError: A manifest cannot be read.
    """
    self._folder = folder
    self._share = share
    self._path = manifests.path_of(folder, share)
    with self._writing():
      manifests.mend(self._path)
      self._made, self._failed = manifests.read(folder)

  def check(self, settings: Line, planned: Sequence[Line]) -> None:
    """Refuses a folder with what was made otherwise.

    Args:
      settings: Fields that must agree in all lines.
      planned: Lines of some files, with further fields that must agree.

    Raises:
      UserError: A file was made otherwise; the message names what differs.
    """
    expected = [line | settings for line in planned]
    expected += [{'file': file} | settings for file in self._made]
    manifests.check(self._folder, self._made, expected)

  def has(self, job: Job) -> bool:
    """Returns whether a sample is made."""
    return job.file in self._made

  def path(self, job: Job) -> pathlib.Path:
    """Path of a sample's WAV."""
    return self._folder / job.file

  def note(self, job: Job, line: Line) -> None:
    """Lists a sample whose WAV is whole.

    Raises:
      UserError: The disk is full, or something like that.
    """
    self._append(line)
    self._made[job.file] = line

  def fail(self, job: Job) -> None:
    """Notes that a prompt cannot be read, so that no host waits for it."""
    if self._share.count > 1 and job.file not in self._failed:
      self._append({'file': job.file, 'error': 'The prompt cannot be read.'})
    self._failed.add(job.file)

  def finish(self, plan: Sequence[Job]) -> list[str] | None:
    """Writes the manifest of all hosts, unless others are still at work.

    Hosts may end at the same time: at least one of them sees the lines of all,
    since each reads after its own are on the disk.

    Returns:
      Files of the plan; None while others are at work.
    """
    with self._writing():
      made, failed = manifests.read(self._folder)
      files = {job.file: None for job in plan}
      if files.keys() - made.keys() - failed - self._failed:
        return None
      # What earlier runs made of other prompts stays listed, in front.
      earlier = [file for file in made if file not in files]
      planned = [file for file in files if file in made]
      manifests.write(
          self._folder,
          [made[file] for file in earlier + planned],
          f'.{self._share.index}',
      )
      return planned

  def _append(self, line: Line) -> None:
    with self._writing():
      manifests.append(self._path, line)

  @contextlib.contextmanager
  def _writing(self) -> Iterator[None]:
    try:
      yield
    except OSError as error:
      raise UserError(
          f'{self._folder}: cannot write the manifest ({error.strerror}); what'
          ' is made stays, the same command goes on.'
      ) from error
