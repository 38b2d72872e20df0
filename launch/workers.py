"""From a described run to commands: one worker a process, nothing started."""

import hashlib
import re
import shlex
import sys
from typing import NamedTuple

from launch.experiments import Experiment
from launch.machines import Machine
from launch.sweeps import Unit

# The port of JAX on TPUs; any that is free would do.
_CLUSTER_PORT = 8482


class Worker(NamedTuple):
  """A process: its name, its command, and what its environment gets besides."""

  name: str
  command: list[str]
  environment: dict[str, str]


def workers(
    experiment: Experiment, unit: Unit, machine: Machine, port: int = 0
) -> list[Worker]:
  """The processes that train one unit together.

  Args:
    experiment: Experiment that is trained.
    unit: Point of its sweep.
    machine: Machine, as `machines.check` returns it.
    port: Port of process 0, where several processes are on this machine.
  """
  name = job_name(experiment, unit)
  train = [
      *_program(machine),
      *(f'--gin_file={path}' for path in experiment.gin_files),
      *(f'--gin_bindings={binding}' for binding in experiment.gin_bindings),
      *(f'--gin_bindings={binding}' for binding in unit.bindings),
      f'--gin_bindings=MODEL_DIR={experiment.model_dir(unit)!r}',
  ]
  return [
      Worker(
          f'{name}-{index}',
          train + _joining(machine, name, index, port),
          _environment(machine, index),
      )
      for index in range(machine.num_processes)
  ]


def job_name(experiment: Experiment, unit: Unit) -> str:
  """A name for Kubernetes and Vertex: always the same, and a host name."""
  whole = f'{experiment.name}-{unit.name}'
  digest = hashlib.sha256(f'{experiment.folder}/{unit.name}'.encode())
  words = re.sub('[^a-z0-9]+', '-', whole.lower()).strip('-')
  return f'x-{words[:30].strip("-")}-{digest.hexdigest()[:6]}'


def coordinator(name: str) -> str:
  """Address of process 0 of a JobSet: pods are called as JobSet calls them."""
  return f'{name}-workers-0-0.{name}:{_CLUSTER_PORT}'


def describe(worker: Worker) -> str:
  """Lines for a person, which a shell takes as well."""
  words = [
      f'{name}={shlex.quote(value)}'
      for name, value in worker.environment.items()
  ]
  lines = []
  for word in map(shlex.quote, worker.command):
    if word.lstrip("'").startswith('--'):
      lines.append(word)
    else:
      words.append(word)
  return f'# {worker.name}\n' + ' \\\n    '.join([' '.join(words), *lines])


def _program(machine: Machine) -> list[str]:
  if machine.executor == 'local':
    return [sys.executable, '-m', 'audiolm_jax.cli.train']
  return ['audiolm', 'train']


def _joining(machine: Machine, name: str, index: int, port: int) -> list[str]:
  """Flags by which a process finds the others; on TPUs JAX needs no address."""
  if machine.num_processes == 1:
    return []
  if machine.is_tpu:
    return ['--multiprocess']
  local = machine.executor == 'local'
  return [
      '--multiprocess',
      '--coordinator_address='
      + (f'127.0.0.1:{port}' if local else coordinator(name)),
      f'--num_processes={machine.num_processes}',
      f'--process_id={index}',
  ]


def _environment(machine: Machine, index: int) -> dict[str, str]:
  """JAX_PLATFORMS makes a missing accelerator an error, not a slow run."""
  count = machine.devices_per_process
  if machine.accelerator == 'cpu':
    return {
        'JAX_PLATFORMS': 'cpu',
        'JAX_NUM_CPU_DEVICES': str(count),
        'JAX_CPU_COLLECTIVES_IMPLEMENTATION': 'gloo',
    }
  if machine.is_tpu:
    return {'JAX_PLATFORMS': 'tpu,cpu'}
  environment = {'JAX_PLATFORMS': 'cuda,cpu'}
  if machine.executor == 'local' and machine.num_processes > 1:
    mine = range(index * count, (index + 1) * count)
    environment['CUDA_VISIBLE_DEVICES'] = ','.join(map(str, mine))
  return environment
