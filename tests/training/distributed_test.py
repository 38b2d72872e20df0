"""Tests audiolm_jax/training/distributed.py; see also loop_test.py."""

import os
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
