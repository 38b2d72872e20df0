"""Tests audiolm_jax/cli/hosts.py."""

import pytest

from audiolm_jax.cli import hosts
from audiolm_jax.cli.hosts import Share
from audiolm_jax.errors import UserError

SLURM = {'SLURM_STEP_NUM_TASKS': '4', 'SLURM_PROCID': '3'}
OPEN_MPI = {'OMPI_COMM_WORLD_SIZE': '4', 'OMPI_COMM_WORLD_RANK': '3'}


@pytest.fixture(autouse=True)
def alone(monkeypatch):
  for name in SLURM | OPEN_MPI:
    monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize('count', [1, 2, 3, 8])
def test_shares_hold_all_work_once_in_even_parts(count):
  work = list(range(7))
  shares = [Share(index, count).of(work) for index in range(count)]
  assert sorted(sum(shares, [])) == work
  sizes = [len(share) for share in shares]
  assert max(sizes) - min(sizes) <= 1


def test_without_flags_there_is_one_host():
  assert hosts.share(None, None, False) == Share(0, 1)


@pytest.mark.parametrize('variables', [SLURM, OPEN_MPI])
def test_what_started_the_processes_tells_which_this_is(monkeypatch, variables):
  for name, value in variables.items():
    monkeypatch.setenv(name, value)
  assert hosts.share(None, None, True) == Share(3, 4)
  assert hosts.share(None, None, False) == Share(0, 1)


def test_a_batch_script_by_itself_is_no_host_of_many(monkeypatch):
  monkeypatch.setenv('SLURM_PROCID', '0')
  monkeypatch.setenv('SLURM_NTASKS', '4')
  with pytest.raises(UserError, match='srun'):
    hosts.share(None, None, True)


@pytest.mark.parametrize(
    'flags,message',
    [
        ((4, None, False), 'give both'),
        ((None, 0, False), 'give both'),
        ((4, 4, False), 'from 0 to one less'),
        ((4, 0, True), 'not both'),
    ],
)
def test_contradictions_are_named(flags, message):
  with pytest.raises(UserError, match=message):
    hosts.share(*flags)
