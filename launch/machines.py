"""Places for a run: the processes that it gets there, and their devices."""

import math
from typing import NamedTuple

from audiolm_jax.errors import UserError

EXECUTORS = ('local', 'gke', 'vertex')


class Machine(NamedTuple):
  """The processes and devices of one run.

  Attributes:
    executor: 'local', 'gke' or 'vertex'.
    accelerator: Kind of its devices, one of `ACCELERATORS[executor]`.
    num_processes: Hosts; on this machine, processes.
    devices_per_process: Chips or GPUs of a host; virtual devices of a CPU.
    topology: Topology of a TPU slice, as '2x2x4'; else empty.
  """

  executor: str
  accelerator: str
  num_processes: int = 1
  devices_per_process: int = 1
  topology: str = ''

  @property
  def is_tpu(self) -> bool:
    return self.accelerator.startswith('tpu')


# Names in GKE's node labels (gke-tpu-accelerator, gke-accelerator).
GKE_TPUS = {
    'tpu-v4': 'tpu-v4-podslice',
    'tpu-v5e': 'tpu-v5-lite-podslice',
    'tpu-v5p': 'tpu-v5p-slice',
    'tpu-v6e': 'tpu-v6e-slice',
}
GKE_GPUS = {
    'l4': 'nvidia-l4',
    'a100': 'nvidia-tesla-a100',
    'a100-80gb': 'nvidia-a100-80gb',
    'h100': 'nvidia-h100-80gb',
    'h200': 'nvidia-h200-141gb',
}
# Devices that XManager finds a machine type for on Vertex. It has no TPU newer
# than v3, and would put an H100 into an n1-standard-4.
VERTEX = {
    'l4': (1, 2, 4, 8),
    'a100': (1, 2, 4, 8, 16),
    'tpu-v2': (8,),
    'tpu-v3': (8,),
}
ACCELERATORS = {
    'local': ('cpu', 'gpu'),
    'gke': (*GKE_TPUS, *GKE_GPUS),
    'vertex': tuple(VERTEX),
}


def check(machine: Machine) -> Machine:
  """Completes a machine and refuses what no executor here can start.

  Raises:
    UserError: An accelerator, a topology or a number that is not to be had.
  """
  known = ACCELERATORS[machine.executor]
  if machine.accelerator not in known:
    raise UserError(
        f'--executor={machine.executor} has no {machine.accelerator}; it has'
        f' {", ".join(known)}.'
    )
  if machine.executor == 'gke' and machine.is_tpu:
    return _tpu_slice(machine)
  if machine.topology:
    raise UserError('--topology is of TPU slices on GKE; leave it out.')
  if machine.executor == 'vertex':
    _check_vertex(machine)
  return machine


def _tpu_slice(machine: Machine) -> Machine:
  flat = machine.accelerator in ('tpu-v5e', 'tpu-v6e')
  sides = machine.topology.split('x')
  if len(sides) != (2 if flat else 3) or not all(
      side.isdecimal() and int(side) for side in sides
  ):
    example = '4x4' if flat else '2x2x4'
    raise UserError(
        f'--topology={machine.topology} is no slice of {machine.accelerator};'
        f' one is {example}.'
    )
  chips = math.prod(map(int, sides))
  # Hosts have 4 chips; the small flat slices are also sold as one of 1 or 8.
  per_host = chips if chips < 4 or (flat and chips == 8) else 4
  if chips % per_host:
    raise UserError(
        f'--topology={machine.topology}: {chips} chips do not fill hosts of 4.'
    )
  return machine._replace(
      num_processes=chips // per_host, devices_per_process=per_host
  )


def _check_vertex(machine: Machine) -> None:
  counts = VERTEX[machine.accelerator]
  if machine.num_processes > 1:
    raise UserError(
        '--executor=vertex starts one machine; use gke for several.'
    )
  if machine.devices_per_process not in counts:
    raise UserError(
        f'Vertex has no machine with {machine.devices_per_process}'
        f' {machine.accelerator}; --devices_per_process is one of {counts}.'
    )
