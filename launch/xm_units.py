"""An experiment in XManager: a work unit for every run."""

import asyncio
import json
import os
import pathlib
import sys
from collections.abc import Mapping, Sequence

from xmanager import xm, xm_local
from xmanager.xm_local import executables

from launch import jobset, xm_executors
from launch.jobset import Container
from launch.machines import Machine
from launch.workers import Worker

_REPOSITORY = str(pathlib.Path(__file__).parents[1])


def launch(
    name: str,
    runs: Mapping[str, Sequence[Worker]],
    machine: Machine,
    container: Container,
) -> int:
  """Creates the experiment and starts its runs.

  Those on this machine are waited for, one after the other; those elsewhere go
  on by themselves.

  Args:
    name: Name of the experiment.
    runs: The workers of each run, by a name for Kubernetes or Vertex.
    machine: Processes and devices of each run.
    container: Image and storage of each run, unless on this machine.

  Returns:
    0, or 1 if a run on this machine has failed.

  Raises:
    UserError: The cluster or the cloud cannot be reached.
  """
  xm_executors.check_access(machine)
  return asyncio.run(
      add_units(xm_local.create_experiment(name), runs, machine, container)
  )


async def add_units(
    experiment: xm.Experiment,
    runs: Mapping[str, Sequence[Worker]],
    machine: Machine,
    container: Container,
) -> int:
  """Adds a work unit for each run; as `launch`."""
  failed = False
  try:
    async with experiment:
      for name, group in runs.items():
        unit = await experiment.add(job(name, group, machine, container))
        if machine.executor == 'local':
          failed |= await _fails(unit)
  except RuntimeError:
    # Once more of what has failed, when XManager looks back.
    if not failed:
      raise
  return int(failed)


async def _fails(unit: xm.ExperimentUnit) -> bool:
  try:
    await unit.wait_until_complete()
  except xm.ExperimentUnitFailedError as error:
    # Its own output has told why; the next run may do better.
    print(f'Failed: {error}', file=sys.stderr)
    return True
  return False


def job(
    name: str,
    group: Sequence[Worker],
    machine: Machine,
    container: Container,
) -> xm.Job:
  """One job for all processes of a run: they live and die together."""
  if machine.executor == 'local':
    return _local_job(name, group)
  image = executables.GoogleContainerRegistryImage(name, container.image)
  if machine.executor == 'gke':
    manifest = jobset.manifest(name, group, machine, container)
    return xm.Job(image, xm_executors.JobSet(manifest), name)
  [worker] = group
  # Vertex adds arguments to the image's entry point, which is `audiolm`.
  return xm.Job(
      image,
      xm_executors.vertex(machine),
      name,
      worker.command[1:],
      worker.environment,
  )


def _local_job(name: str, group: Sequence[Worker]) -> xm.Job:
  path = os.pathsep.join([_REPOSITORY, os.environ.get('PYTHONPATH', '')])
  return xm.Job(
      executables.LocalBinary(name, sys.executable),
      xm_local.Local(),
      name,
      ['-m', 'launch.local', json.dumps(group)],
      {'PYTHONPATH': path.rstrip(os.pathsep)},
  )
