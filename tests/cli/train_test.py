"""Tests audiolm_jax/cli/train.py."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import gin
import pytest

from audiolm_jax.cli import gin_config, gin_flags, interrupts, train
from audiolm_jax.errors import UserError
from audiolm_jax.training import loop

BASE = """
from __gin__ import dynamic_registration

from audiolm_jax.training import loop
from audiolm_jax.training import optimizers
from cli import linear

MODEL_DIR = %gin.REQUIRED
TRAIN_STEPS = 3
BATCH_SIZE = 8

loop.train:
  train_step = @linear.LinearTrainStep()
  train_data = @linear.Numbers()
  eval_data = @eval/linear.Numbers
  num_eval_batches = 1
  model_dir = %MODEL_DIR
  num_steps = %TRAIN_STEPS
  log_every = 1

linear.LinearTrainStep.tx = @optimizers.adam()
optimizers.adam.learning_rate = 0.01
linear.Numbers.batch_size = %BATCH_SIZE
eval/linear.Numbers.batch_size = 16
"""


@pytest.fixture(autouse=True)
def clean_gin():
  gin.clear_config()
  yield
  gin.clear_config()


def run(folder, *flags):
  """Calls the verb as absl does, on a file that includes the base."""
  base = folder / 'base.gin'
  base.write_text(BASE)
  train.FLAGS.unparse_flags()
  argv = ['train', f'--gin_file={base}', *flags]
  return train.main(train.FLAGS(gin_flags.rewrite(argv)))


def quoted(path):
  return f"'{path}'"


def test_trains_as_the_files_and_flags_say(tmp_path, capsys):
  run(
      tmp_path,
      f'--gin.MODEL_DIR={quoted(tmp_path / "run")}',
      '--gin_bindings=TRAIN_STEPS = 2',
  )
  steps = {path.name for path in (tmp_path / 'run/checkpoints').iterdir()}
  assert steps == {'0', '2'}
  told = capsys.readouterr().out
  assert f'Next: audiolm bundle {tmp_path}/run' in told


def test_a_run_that_stops_says_how_to_go_on(tmp_path, capsys):
  limit = '--gin.loop.train.time_limit_seconds=0.0'
  folder = f'--gin.MODEL_DIR={quoted(tmp_path / "run")}'
  assert run(tmp_path, folder, limit) == train.STOPPED
  told = capsys.readouterr().out
  assert f'of 3; the same command goes on from {tmp_path}/run' in told


@pytest.mark.parametrize('flag', ['--gin.', '--gin_bindings='])
def test_a_macro_that_nothing_reads_is_refused(tmp_path, flag):
  with pytest.raises(UserError, match='did you mean TRAIN_STEPS?') as error:
    run(
        tmp_path,
        f'--gin.MODEL_DIR={quoted(tmp_path / "run")}',
        f'{flag}TRAIN_STEP=2',
    )
  assert '\n' not in str(error.value)
  assert not (tmp_path / 'run').exists()


def test_the_stored_configuration_is_the_run(tmp_path):
  run(
      tmp_path,
      f'--gin.MODEL_DIR={quoted(tmp_path / "run")}',
      '--gin.optimizers.adam.learning_rate=0.5',
  )
  text = (tmp_path / 'run/config.gin').read_text()
  assert (
      'eval/linear.Numbers.batch_size = 16' in text
  )  # Called late, by the loop.
  assert 'learning_rate = 0.5' in text
  assert 'LinearTrainStep.start = 0.5' in text  # A default.

  gin.clear_config()
  gin_config.parse([str(tmp_path / 'run/config.gin')], [], [])
  arguments = gin_config.bound_arguments()
  assert arguments['num_steps'] == 3
  assert arguments['model_dir'] == str(tmp_path / 'run')
  assert gin_config.operative() == text


@pytest.mark.parametrize(
    'flag,message',
    [
        ('--gin.TRAIN_STEPS=2', 'MODEL_DIR'),  # Stays required.
        ('--gin.MODEL_DIR=runs/x', 'runs/x'),  # Quotes forgotten.
        ('--gin.loop.train.nope=1', 'nope'),
        ('--gin.nope.nope=1', 'nope'),
        ('--gin_file=nope.gin', 'nope.gin'),
        ('unexpected', 'unexpected'),
    ],
)
def test_a_mistake_is_named_in_one_line(tmp_path, flag, message):
  with pytest.raises(UserError, match=message) as error:
    run(tmp_path, flag)
  assert '\n' not in str(error.value)


def test_an_argument_that_no_file_binds_is_named(tmp_path):
  (tmp_path / 'a.gin').write_text(
      'from __gin__ import dynamic_registration\n'
      'from audiolm_jax.training import loop\n'
      'loop.train.num_steps = 1\n'
  )
  gin_config.parse([str(tmp_path / 'a.gin')], [], [])
  with pytest.raises(UserError, match='train_step'):
    gin_config.bound_arguments()


def test_files_that_bind_no_training_are_refused(tmp_path):
  (tmp_path / 'a.gin').write_text('A = 1\n')
  gin_config.parse([str(tmp_path / 'a.gin')], [], [])
  with pytest.raises(UserError, match=loop.train.__name__):
    gin_config.bound_arguments()


def test_files_are_found_from_any_folder(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  (tmp_path / 'elsewhere').mkdir()
  (tmp_path / 'elsewhere/a.gin').write_text("MODEL_DIR = 'x'")
  gin_config.parse(['a.gin'], [], [str(tmp_path / 'elsewhere')])
  assert gin.query_parameter('MODEL_DIR/macro.value') == 'x'


def test_the_exit_code_says_whether_there_is_more_to_do(tmp_path):
  model_dir = f'--gin.MODEL_DIR={quoted(tmp_path / "run")}'
  limit = tmp_path / 'limit.gin'
  limit.write_text(
      'from __gin__ import dynamic_registration\n'
      'from audiolm_jax.training import loop\n'
      'loop.train.time_limit_seconds = 0.0\n'
  )
  assert run(tmp_path, model_dir, f'--gin_file={limit}') == os.EX_TEMPFAIL
  gin.clear_config()
  assert run(tmp_path, model_dir) == 0
  gin.clear_config()
  assert run(tmp_path, model_dir) == 0


def test_sigterm_while_it_starts_asks_to_be_started_again(
    tmp_path, monkeypatch
):
  def end(code):
    raise SystemExit(code)

  monkeypatch.setattr(os, '_exit', end)
  monkeypatch.setattr(
      gin_config, 'parse', lambda *_: signal.raise_signal(signal.SIGTERM)
  )
  before = signal.getsignal(signal.SIGTERM)
  with pytest.raises(SystemExit) as ended:
    run(tmp_path)
  assert ended.value.code == os.EX_TEMPFAIL
  assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    'signum, code',
    [(signal.SIGTERM, os.EX_TEMPFAIL), (signal.SIGINT, interrupts.EXIT_CODE)],
)
def test_signals_save_and_the_run_can_be_started_again(tmp_path, signum, code):
  (tmp_path / 'base.gin').write_text(BASE)
  root = pathlib.Path(__file__).parents[2]
  process = subprocess.Popen(
      [
          *(sys.executable, '-m', 'audiolm_jax.cli.train'),
          f'--gin_file={tmp_path / "base.gin"}',
          f'--gin_bindings=MODEL_DIR={quoted(tmp_path / "run")}',
          '--gin_bindings=TRAIN_STEPS=1000000',
      ],
      env=os.environ | {'PYTHONPATH': f'{root}:{root / "tests"}'},
  )
  first = tmp_path / 'run/checkpoints/0'
  while not first.exists() and process.poll() is None:
    time.sleep(0.1)
  time.sleep(2)
  process.send_signal(signum)
  assert process.wait(60) == code
  saved = max(int(path.name) for path in first.parent.iterdir())
  assert saved > 0


def dry_run(folder, *flags):
  run(
      folder,
      '--dry_run',
      f'--gin.MODEL_DIR={quoted(folder / "run")}',
      *flags,
  )


def test_a_dry_run_tells_and_leaves_nothing(tmp_path, capsys):
  dry_run(tmp_path, '--device=tpu-v4', '--num_devices=8')
  last = capsys.readouterr().out.splitlines()[-1]
  assert last.startswith('Fits: 1 rows a device make the global batch of 8')
  assert not (tmp_path / 'run').exists()


def test_a_dry_run_lays_out_the_mesh_of_the_gin_files(tmp_path, capsys):
  (tmp_path / 'mesh.gin').write_text(
      'from __gin__ import dynamic_registration\n'
      'from audiolm_jax.training import loop\n'
      'from audiolm_jax.training import partitioning\n'
      'loop.train.partitioner = @partitioning.Partitioner()\n'
      'partitioning.Partitioner.mesh = @partitioning.make_mesh()\n'
      'partitioning.Partitioner.rules ='
      ' @partitioning.standard_logical_axis_rules()\n'
      'partitioning.make_mesh.model = 8\n'
  )
  mesh = f'--gin_file={tmp_path / "mesh.gin"}'
  dry_run(tmp_path, mesh, '--device=tpu-v4', '--num_devices=64')
  assert 'as data=8 x model=8' in capsys.readouterr().out


@pytest.mark.parametrize(
    'flags, message',
    [
        (['--device=tpu-v9'], 'known are tpu-v3'),
        ([], 'known are tpu-v3'),
        (['--device=h100', '--num_devices=3'], 'batch of 8 .* data=3'),
        (['--device=h100', '--device_memory_gib=0'], 'holds nothing'),
        (['--nodry_run', '--device=h100'], '--dry_run'),
    ],
)
def test_a_dry_run_refuses_in_one_line(tmp_path, flags, message):
  with pytest.raises(UserError, match=message) as error:
    dry_run(tmp_path, *flags)
  assert '\n' not in str(error.value)
