"""Tests audiolm_jax/training/checkpoints/lock.py."""

import os
import signal
import subprocess
import sys

import pytest

from audiolm_jax.errors import UserError
from audiolm_jax.training.checkpoints import lock

HOLD = """
import sys, time
from audiolm_jax.training.checkpoints import lock
with lock.alone_in(sys.argv[1]):
  print('held', flush=True)
  time.sleep(60)
"""


@pytest.fixture(name='other')
def fixture_other(tmp_path):
  """Another process that holds tmp_path/run."""
  process = subprocess.Popen(
      [sys.executable, '-c', HOLD, str(tmp_path / 'run')],
      stdout=subprocess.PIPE,
      text=True,
  )
  assert process.stdout.readline() == 'held\n'
  yield process
  process.kill()
  process.wait()


def test_a_second_run_is_told_who_is_there(tmp_path, other):
  with pytest.raises(UserError, match=f'process {other.pid} on ') as error:
    with lock.alone_in(str(tmp_path / 'run')):
      pass
  assert '\n' not in str(error.value)
  with lock.alone_in(str(tmp_path / 'another')):
    pass


@pytest.mark.parametrize('signum', [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_was_killed_leaves_no_lock(tmp_path, other, signum):
  other.send_signal(signum)
  other.wait()
  with lock.alone_in(str(tmp_path / 'run')):
    with pytest.raises(UserError, match=f'process {os.getpid()} on '):
      with lock.alone_in(str(tmp_path / 'run')):
        pass


def test_the_lock_ends_with_its_run(tmp_path):
  with pytest.raises(KeyError):
    with lock.alone_in(str(tmp_path)):
      raise KeyError
  with lock.alone_in(str(tmp_path)):
    pass


def test_buckets_are_not_locked(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  with lock.alone_in('gs://bucket/run'):
    assert not list(tmp_path.iterdir())
