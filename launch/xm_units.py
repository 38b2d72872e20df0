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
from launch.machines import Machine
from launch.workers import Worker

_REPOSITORY = str(pathlib.Path(__file__).parents[1])


def launch(
    name: str,
    runs: Mapping[str, Sequence[Worker]],
    machine: Machine,
    image: str,
) -> int:
  """Creates the experiment and starts its runs.

  Those on this machine are waited for, one after the other; those elsewhere go
  on by themselves.

  Args:
    name: Of the experiment.
    runs: The workers of each run, by a name for Kubernetes or Vertex.
    machine: What each run gets.
    image: Container that it runs in, unless on this machine.

  Returns:
    0, or 1 if a run on this machine has failed.
  """
  return asyncio.run(
      add_units(xm_local.create_experiment(name), runs, machine, image)
  )


async def add_units(
    experiment: xm.Experiment,
    runs: Mapping[str, Sequence[Worker]],
    machine: Machine,
    image: str,
) -> int:
  """Adds a work unit for each run; as `launch`."""
  try:
    async with experiment:
      for name, group in runs.items():
        unit = await experiment.add(job(name, group, machine, image))
        if machine.executor == 'local':
          await unit.wait_until_complete()
  except (xm.ExperimentUnitFailedError, RuntimeError) as error:
    # Of the process that XManager saw; its own output has told why.
    print(f'Failed: {error}', file=sys.stderr)
    return 1
  return 0


def job(
    name: str, group: Sequence[Worker], machine: Machine, image: str
) -> xm.Job:
  """One job for all processes of a run: they live and die together."""
  if machine.executor == 'local':
    return _local_job(name, group)
  container = executables.GoogleContainerRegistryImage(name, image)
  if machine.executor == 'gke':
    manifest = jobset.manifest(name, group, machine, image)
    return xm.Job(container, xm_executors.JobSet(manifest), name)
  [worker] = group
  # Vertex adds arguments to the image's entry point, which is `audiolm`.
  return xm.Job(
      container,
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
