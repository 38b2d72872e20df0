"""Tests launch/machines.py."""

import pytest

from audiolm_jax.errors import UserError
from launch import machines
from launch.machines import Machine


@pytest.mark.parametrize(
    'accelerator,topology,hosts,chips',
    [
        ('tpu-v4', '2x2x1', 1, 4),
        ('tpu-v4', '2x2x4', 4, 4),  # The paper's 16.
        ('tpu-v5p', '4x4x4', 16, 4),
        ('tpu-v5e', '1x1', 1, 1),
        ('tpu-v5e', '2x4', 1, 8),
        ('tpu-v5e', '4x4', 4, 4),
        ('tpu-v6e', '16x16', 64, 4),
    ],
)
def test_a_slice_has_the_hosts_of_its_topology(
    accelerator, topology, hosts, chips
):
  found = machines.check(Machine('gke', accelerator, topology=topology))
  assert (found.num_processes, found.devices_per_process) == (hosts, chips)


@pytest.mark.parametrize(
    'machine,message',
    [
        (Machine('gke', 'tpu-v4', topology='4x4'), '2x2x4'),
        (Machine('gke', 'tpu-v5e', topology='2x2x4'), '4x4'),
        (Machine('gke', 'tpu-v5e', topology=''), '4x4'),
        (Machine('gke', 'tpu-v5e', topology='3x3'), '9 chips'),
        (Machine('gke', 'tpu-v5e', topology='0x4'), '0x4'),
        (Machine('gke', 'h100', topology='2x8'), 'topology'),
        (Machine('gke', 'tpu-v3', topology='4x4'), 'gke has no tpu-v3'),
        (Machine('vertex', 'tpu-v4'), 'vertex has no tpu-v4'),
        (Machine('vertex', 'h100', 1, 8), 'vertex has no h100'),
        (Machine('vertex', 'a100', 1, 3), '3 a100'),
        (Machine('vertex', 'a100', 2, 8), 'one machine'),
        (Machine('local', 'h100'), 'local has no h100'),
    ],
)
def test_what_is_not_to_be_had_is_refused(machine, message):
  with pytest.raises(UserError, match=message) as error:
    machines.check(machine)
  assert '\n' not in str(error.value)
