"""Tests launch/xm_train.py."""

import json
import os
import pathlib
import re
import socket
import subprocess
import sys

import pytest

import launch as launch_package
from audiolm_jax.cli import gin_flags
from audiolm_jax.errors import UserError
from launch import xm_train

REPOSITORY = pathlib.Path(__file__).parents[2]

# Four devices are there only if both processes have joined.
GIN = """
from __gin__ import dynamic_registration

from audiolm_jax.training import loop
from audiolm_jax.training import partitioning
from training import toy

MODEL_DIR = %gin.REQUIRED
loop.train:
  train_step = @toy.ToyTrainStep()
  train_data = @toy.ToyData
  model_dir = %MODEL_DIR
  num_steps = 5
  partitioner = @partitioning.Partitioner()
partitioning.Partitioner:
  mesh = @partitioning.make_mesh()
  rules = @partitioning.standard_logical_axis_rules()
partitioning.make_mesh.data = 4
"""


def launch(folder, *flags):
  """Runs the program as a person does, from a folder of their own."""
  (folder / 'toy.gin').write_text(GIN)
  command = [
      sys.executable,
      str(REPOSITORY / 'launch/xm_train.py'),
      '--experiment=toy',
      '--experiments_dir=runs',
      '--gin_file=toy.gin',
      *flags,
  ]
  path = [str(REPOSITORY / 'tests'), os.environ.get('PYTHONPATH', '')]
  environment = os.environ | {
      'HOME': str(folder),
      'PYTHONPATH': os.pathsep.join(path),
  }
  return subprocess.run(
      command, cwd=folder, env=environment, capture_output=True, text=True
  )


TWO = ['--num_processes=2', '--devices_per_process=2']


@pytest.mark.slow
@pytest.mark.parametrize('executor', ['xmanager', 'noxmanager'])
def test_two_local_processes_train_five_steps(tmp_path, executor):
  if executor == 'xmanager':
    pytest.importorskip('xmanager')
  result = launch(tmp_path, *TWO, f'--{executor}')
  assert result.returncode == 0, result.stderr
  checkpoints = tmp_path / 'runs/toy/run/checkpoints'
  assert {path.name for path in checkpoints.iterdir()} == {'0', '5'}
  record = json.loads((tmp_path / 'runs/toy/experiment.json').read_text())
  assert record['gin_files'] == ['toy.gin']


def test_each_launch_gets_a_port_of_its_own(tmp_path):
  printed = [launch(tmp_path, *TWO, '--dry_run').stdout for _ in range(2)]
  ports = [set(re.findall(r'127\.0\.0\.1:(\d+)', text)) for text in printed]
  assert len(ports[0]) == len(ports[1]) == 1
  assert ports[0] != ports[1]


def test_a_port_that_is_taken_costs_one_line(tmp_path):
  with socket.socket() as listener:
    listener.bind(('127.0.0.1', 0))
    listener.listen()
    port = listener.getsockname()[1]
    result = launch(tmp_path, *TWO, f'--port={port}', '--noxmanager')
  assert result.returncode == 2
  assert f'Port {port}' in result.stderr and result.stderr.count('\n') == 1
  assert not (tmp_path / 'runs').exists()


def test_a_dry_run_prints_commands_and_starts_nothing(tmp_path):
  result = launch(tmp_path, *TWO, '--sweep=A=1,2', '--dry_run')
  assert result.returncode == 0, result.stderr
  assert result.stdout.count('JAX_PLATFORMS=cpu') == 4
  assert result.stdout.count('--process_id=1') == 2
  assert not (tmp_path / 'runs').exists()


@pytest.mark.parametrize(
    'flags,message',
    [
        (['--executor=vertex', '--accelerator=tpu-v4'], 'vertex has no tpu-v4'),
        (['--executor=gke', '--accelerator=l4'], '--image'),
        (["--gin.MODEL_DIR='x'"], 'MODEL_DIR'),
        (['--experiment=a/b'], 'a/b'),
        (['--sweep=A=b'], '--sweep=A=b'),
    ],
)
def test_a_mistake_costs_one_line(flags, message):
  xm_train.FLAGS.unparse_flags()
  flags = ['--experiment=toy', '--gin_file=toy.gin', *flags, '--dry_run']
  argv = gin_flags.rewrite(['xm_train', *flags])
  with pytest.raises(UserError, match=message) as error:
    xm_train.main(xm_train.FLAGS(argv))
  assert '\n' not in str(error.value)


def test_a_launch_that_cannot_be_leaves_no_record(tmp_path, monkeypatch):
  monkeypatch.setitem(sys.modules, 'launch.xm_units', None)
  monkeypatch.delattr(launch_package, 'xm_units', raising=False)
  monkeypatch.chdir(tmp_path)
  xm_train.FLAGS.unparse_flags()
  argv = ['xm_train', '--experiment=toy', '--gin_file=toy.gin']
  with pytest.raises(UserError, match='noxmanager'):
    xm_train.main(xm_train.FLAGS(argv))
  assert not list(tmp_path.iterdir())
