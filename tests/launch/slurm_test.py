"""Tests launch/slurm.sh, with programs in the place of Slurm's."""

import os
import pathlib
import re
import subprocess

import pytest
from jax._src import clusters

SCRIPT = pathlib.Path(__file__).parents[2] / 'launch/slurm.sh'


def submit(folder, code):
  """Runs the script as a job whose srun ends with this code; what it called."""
  log = folder / 'log'
  for name, last in (('srun', code), ('scontrol', 0)):
    program = folder / name
    program.write_text(f'#!/bin/bash\necho {name} "$@" >>{log}\nexit {last}\n')
    program.chmod(0o755)
  environment = os.environ | {
      'PATH': f'{folder}:{os.environ["PATH"]}',
      'SLURM_JOB_ID': '7',
  }
  command = ['bash', str(SCRIPT), '--gin_file=a.gin', "--gin.A='b c'"]
  result = subprocess.run(command, env=environment)
  return result.returncode, log.read_text().splitlines()


@pytest.mark.parametrize('code', [0, 1, 2, 75])
def test_only_a_run_that_was_stopped_is_queued_again(tmp_path, code):
  returned, [run, *others] = submit(tmp_path, code)
  assert returned == code
  assert run.endswith(
      "audiolm train --multiprocess --gin_file=a.gin --gin.A='b c'"
  )
  assert others == (['scontrol requeue 7'] if code == 75 else [])


def test_there_is_a_process_for_every_gpu():
  text = SCRIPT.read_text()
  [processes] = re.findall(r'^#SBATCH --ntasks-per-node=(\d+)$', text, re.M)
  [gpus] = re.findall(r'^#SBATCH --gres=gpu:(\d+)$', text, re.M)
  assert processes == gpus


def test_slurm_reads_all_directives():
  # It stops at the first command.
  head, _, rest = SCRIPT.read_text().partition('\nset -euo')
  assert '#SBATCH' in head and '#SBATCH' not in rest
  lines = head.splitlines()
  assert all(line.startswith('#') for line in lines)


def test_jax_gives_each_process_of_slurm_the_gpu_of_its_number(monkeypatch):
  step = {
      'SLURM_JOB_ID': '7',
      'SLURM_STEP_NODELIST': 'node[3-4]',
      'SLURM_NTASKS': '16',
      'SLURM_PROCID': '9',
      'SLURM_LOCALID': '1',
  }
  for name, value in step.items():
    monkeypatch.setenv(name, value)
  address, *found = clusters.ClusterEnv.auto_detect_unset_distributed_params(
      None, None, None, None, None, 10
  )
  assert address.startswith('node3:')
  assert found == [16, 9, [1]]
