"""Tests launch/workers.py."""

import re
import shlex
import subprocess

import pytest

from audiolm_jax.cli import train
from launch import machines, sweeps, workers
from launch.experiments import Experiment
from launch.machines import Machine

EXPERIMENT = Experiment(
    'fine', '/runs', ('a.gin', 'b.gin'), ("TOKENS='my tokens'", 'A=1')
)
UNIT = sweeps.Unit('A=2', ('A=2',))


def flags(worker):
  """What `audiolm train` makes of the command."""
  train.FLAGS.unparse_flags()
  first = worker.command.index('--gin_file=a.gin')
  rest = train.FLAGS(['train', *worker.command[first:]])
  assert rest == ['train']
  return train.FLAGS


def plan(*machine, **more):
  machine = machines.check(Machine(*machine, **more))
  return workers.workers(EXPERIMENT, UNIT, machine, port=5)


def test_the_sweep_wins_over_bindings_and_the_folder_is_the_units():
  [worker] = plan('local', 'cpu')
  assert flags(worker).gin_file == ['a.gin', 'b.gin']
  assert flags(worker).gin_bindings == [
      "TOKENS='my tokens'",
      'A=1',
      'A=2',
      "MODEL_DIR='/runs/fine/A=2'",
  ]
  assert not flags(worker).multiprocess


def test_local_processes_join_the_first():
  first, second = plan('local', 'cpu', 2, 3)
  assert flags(second).coordinator_address == '127.0.0.1:5'
  assert (flags(second).num_processes, flags(second).process_id) == (2, 1)
  assert first.environment == second.environment
  assert second.environment['JAX_NUM_CPU_DEVICES'] == '3'


def test_local_processes_share_out_the_gpus():
  first, second = plan('local', 'gpu', 2, 2)
  assert first.environment['CUDA_VISIBLE_DEVICES'] == '0,1'
  assert second.environment['CUDA_VISIBLE_DEVICES'] == '2,3'
  [alone] = plan('local', 'gpu')
  assert 'CUDA_VISIBLE_DEVICES' not in alone.environment


def test_hosts_of_a_slice_find_each_other_without_being_told():
  hosts = plan('gke', 'tpu-v4', topology='2x2x4')
  assert len(hosts) == 4
  assert flags(hosts[3]).multiprocess
  assert flags(hosts[3]).coordinator_address is None
  assert hosts[0].command[:2] == ['audiolm', 'train']


def test_gpu_nodes_join_the_first_pod():
  _, node = plan('gke', 'h100', 2, 8)
  name = workers.job_name(EXPERIMENT, UNIT)
  address = f'{name}-workers-0-0.{name}:8482'
  assert flags(node).coordinator_address == address


@pytest.mark.parametrize('name', ['run', 'A' * 300, 'A=1.5,kind=x_y', '___'])
def test_job_names_are_host_names(name):
  found = workers.job_name(EXPERIMENT, sweeps.Unit(name, ()))
  assert re.fullmatch('[a-z]([-a-z0-9]*[a-z0-9])?', found)
  # JobSet and Kubernetes add more, and 63 are allowed.
  assert len(f'{found}-workers-0-99-abcde') <= 63


def test_job_names_tell_units_apart():
  names = {
      workers.job_name(EXPERIMENT, sweeps.Unit(name, ()))
      for name in ('A=1.5', 'A=1_5', 'a=1.5')
  }
  assert len(names) == 3


def test_a_shell_takes_what_is_described():
  [worker] = plan('local', 'cpu')
  worker = worker._replace(command=['echo', *worker.command])
  text = workers.describe(worker)
  printed = subprocess.run(
      ['bash', '-c', text], capture_output=True, text=True, check=True
  ).stdout
  assert printed.split() == ' '.join(worker.command[1:]).split()
  assert shlex.split(text, comments=True)[0] == 'JAX_PLATFORMS=cpu'
