"""Several hosts do what one does: losses of the same global batches."""

import os
import pathlib
import socket
import subprocess
import sys

import numpy as np
import pytest

from tests.lm import pod
from tests.tokens import random_store
from tests.training.loop_test import curve

ROOT = pathlib.Path(__file__).parents[2]


def free_port():
  with socket.socket() as free:
    free.bind(('127.0.0.1', 0))
    return free.getsockname()[1]


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> str:
  folder = tmp_path_factory.mktemp('tokens')
  lengths = [12 + 7 * n % 30 for n in range(50)]
  random_store.write(folder, {'train': lengths})
  return str(folder)


def losses(folder, model_dir, model_axis, num_devices, num_processes=1):
  """Trains in processes of their own; returns the loss of every step."""
  arguments = [folder, model_dir, model_axis, num_devices]
  port = free_port()
  pods = [
      (process, num_processes, port) if num_processes > 1 else ()
      for process in range(num_processes)
  ]
  processes = [
      subprocess.Popen(
          [str(a) for a in (sys.executable, pod.__file__, *arguments, *which)],
          env=os.environ
          # They compile for longer than they train.
          | {'PYTHONPATH': str(ROOT), 'JAX_DISABLE_MOST_OPTIMIZATIONS': '1'},
      )
      for which in pods
  ]
  assert [process.wait(240) for process in processes] == [0] * num_processes
  shown = curve(model_dir, 'train/loss')
  return np.array([min(shown[n + 1]) for n in range(pod.NUM_STEPS)])


@pytest.fixture(scope='module')
def one(folder, tmp_path_factory):
  """One process with one device."""
  found = losses(folder, tmp_path_factory.mktemp('one'), 1, 1)
  # It learns, so that the comparisons are of more than the first weights.
  assert found[-1] < 0.8 * found[0]
  return found


@pytest.mark.slow
@pytest.mark.parametrize('model_axis', [1, 2], ids=['data', 'fsdp+model'])
def test_two_hosts_give_the_losses_of_one(folder, tmp_path, one, model_axis):
  """Four devices of one host do as well (tests/lm/train_step_test.py)."""
  both = losses(folder, tmp_path / 'both', model_axis, 2, num_processes=2)
  np.testing.assert_allclose(both, one, rtol=1e-5)
