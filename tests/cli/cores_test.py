"""Tests `audiolm_jax/cli/cores.py`."""

import os
import subprocess
import sys

import pytest

from audiolm_jax.cli import cores


@pytest.mark.parametrize(
    'num_cores,expected', [(1, 1), (2, 2), (3, 2), (4, 4), (6, 4), (64, 4)]
)
def test_devices_are_a_power_of_two_and_few(num_cores, expected):
  assert cores.devices_for(num_cores) == expected


@pytest.mark.parametrize(
    'asked,flags,expected',
    [
        ('3', '', 3),
        ('3', '--xla_force_host_platform_device_count=2', 2),
    ],
)
def test_as_many_as_asked_for_unless_the_environment_says(
    asked, flags, expected
):
  code = (
      'import jax; from audiolm_jax.cli import cores;'
      f' cores.deal_out({asked}); print(len(jax.devices()))'
  )
  found = subprocess.run(
      [sys.executable, '-c', code],
      env=os.environ | {'XLA_FLAGS': flags, 'JAX_PLATFORMS': 'cpu'},
      capture_output=True,
      text=True,
      check=True,
  )
  assert int(found.stdout) == expected
