"""Several hosts share the work of one command; they need not meet."""

import os
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from audiolm_jax.errors import UserError

_T = TypeVar('_T')

# How many processes there are, and which this is. Slurm sets the first for
# what srun starts, so that a batch script by itself is not one host of many.
_VARIABLES = (
    ('SLURM_STEP_NUM_TASKS', 'SLURM_PROCID'),
    ('OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_RANK'),
)


class Share(NamedTuple):
  """A host's part of the work.

  Attributes:
    index: Index of this host, from 0.
    count: Number of all hosts.
  """

  index: int = 0
  count: int = 1

  def of(self, work: Sequence[_T]) -> Sequence[_T]:
    """Every count-th piece: what is sorted by size is shared out evenly."""
    return work[self.index :: self.count]


def share(
    num_hosts: int | None, host_index: int | None, multiprocess: bool
) -> Share:
  """This host's share by flags, or by what started the process.

  Raises:
    UserError: The flags contradict each other, or nothing tells.
  """
  if multiprocess:
    if (num_hosts, host_index) != (None, None):
      raise UserError(
          'Give --multiprocess, or --num_hosts and --host_index, not both.'
      )
    return _from_environment()
  if num_hosts is None and host_index is None:
    return Share()
  if num_hosts is None or host_index is None or host_index >= num_hosts:
    raise UserError(
        f'--num_hosts={num_hosts} and --host_index={host_index}: give both, the'
        ' index from 0 to one less than the number.'
    )
  return Share(host_index, num_hosts)


def _from_environment() -> Share:
  for count, index in _VARIABLES:
    if count in os.environ and index in os.environ:
      return Share(int(os.environ[index]), int(os.environ[count]))
  names = ' or '.join('/'.join(pair) for pair in _VARIABLES)
  raise UserError(
      f'--multiprocess: nothing tells which host this is ({names}); start it'
      ' with srun or mpirun, or give --num_hosts and --host_index.'
  )
