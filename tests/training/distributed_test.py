"""Tests audiolm_jax/training/distributed.py; see also loop_test.py."""

import os
import socket
import subprocess
import sys

import pytest

from audiolm_jax.errors import UserError
from audiolm_jax.training import distributed


def test_half_an_address_is_refused():
  with pytest.raises(UserError, match='--process_id is missing: give all of'):
    distributed.join('127.0.0.1:1', 2)


def test_an_unknown_cluster_is_refused():
  # JAX asks before anything is computed: in a process of its own.
  environment = {k: v for k, v in os.environ.items() if 'SLURM' not in k}
  done = subprocess.run(
      [sys.executable, '-m', 'audiolm_jax.cli.train', '--multiprocess'],
      env=environment,
      capture_output=True,
      text=True,
      check=False,
  )
  assert done.returncode == 2
  assert 'JAX knows no cluster here' in done.stderr.splitlines()[-1]


@pytest.mark.parametrize('address', ['127.0.0.1:{}', 'localhost:{}'])
def test_an_address_in_use_is_refused_at_once(address):
  with socket.socket() as listener:
    listener.bind(('', 0))
    listener.listen()
    address = address.format(listener.getsockname()[1])
    with pytest.raises(UserError, match=f'{address}: its port') as error:
      distributed.join(address, 2, 0)
  assert '\n' not in str(error.value)


@pytest.mark.parametrize('address', ['host', 'host:', 'host:x', 'host:99999'])
def test_an_address_without_a_port_is_refused(address):
  with pytest.raises(UserError, match='give another one'):
    distributed.join(address, 2, 0)
