"""Tests audiolm_jax/cli/main.py."""

import subprocess
import sys

import pytest

import audiolm_jax


def run(*args):
  return subprocess.run(
      [sys.executable, '-m', 'audiolm_jax.cli.main', *args],
      capture_output=True,
      text=True,
      check=False,
  )


@pytest.mark.parametrize('args', [(), ('--help',)])
def test_without_a_verb_it_lists_them(args):
  done = run(*args)
  assert done.returncode == 0
  assert 'audiolm generate' in done.stdout


def test_the_version_is_that_of_the_package():
  assert run('--version').stdout == f'audiolm_jax {audiolm_jax.__version__}\n'


def test_an_unknown_verb_costs_one_line():
  done = run('genrate')
  assert done.returncode == 2
  assert done.stderr.count('\n') == 1
  assert "'genrate'" in done.stderr and 'generate' in done.stderr


@pytest.mark.slow
def test_a_verb_runs_as_if_it_had_been_started_itself():
  done = run('bundle', '--help')
  assert done.returncode == 0
  assert done.stdout.startswith('Puts trained parts')
