"""Tests audiolm_jax/cli/main.py."""

import json
import subprocess
import sys

import pytest

import audiolm_jax
from audiolm_jax.cli import corpus, main

VERBS = [
    *([verb] for verb in main._available()),
    *(['corpus', adapter] for adapter in corpus.MODULES),
]
# What takes long to import, and brings the rest of what does.
HEAVY = set(
    'apache_beam flax gin grain huggingface_hub jax jaxtyping librosa'
    ' matplotlib msgspec numpy onnxruntime optax orbax scipy soundfile'
    ' tensorflow tensorstore'.split()
)
# Runs the program and says which libraries it took, and how much CPU time.
_WATCHED = """
import json, sys, time
from audiolm_jax.cli import main
try:
  main.run()
finally:
  modules = sorted({name.partition('.')[0] for name in sys.modules})
  print()
  print(json.dumps([modules, time.process_time()]))
"""


def run(*args):
  return subprocess.run(
      [sys.executable, '-m', 'audiolm_jax.cli.main', *args],
      capture_output=True,
      text=True,
      check=False,
  )


def watched(*args):
  """Exit code, all that is said, libraries and seconds of CPU time."""
  done = subprocess.run(
      [sys.executable, '-c', _WATCHED, *args],
      capture_output=True,
      text=True,
      check=False,
  )
  said, _, found = done.stdout.rstrip().rpartition('\n')
  return done.returncode, said + done.stderr, *json.loads(found)


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


def test_there_are_verbs_to_watch():
  assert len(VERBS) >= 15


@pytest.mark.parametrize('verb', VERBS, ids=' '.join)
def test_help_waits_for_no_library(verb):
  code, said, libraries, _ = watched(*verb, '--help')
  assert code == 0
  assert 'audiolm ' + ' '.join(verb) in said
  assert 'absl' in libraries or verb == ['corpus']
  assert not HEAVY & set(libraries)


@pytest.mark.parametrize('verb', VERBS, ids=' '.join)
def test_a_flag_that_is_not_there_is_told_as_fast(verb):
  code, said, libraries, _ = watched(*verb, '--nonsense')
  assert code == 2
  assert 'nonsense' in said
  assert not HEAVY & set(libraries)


def test_help_takes_a_fraction_of_a_second():
  # 0.2 s of CPU time; 2.5 s with all that the verb works with.
  *_, seconds = watched('generate', '--help')
  assert seconds < 1


def test_a_verb_runs_as_if_it_had_been_started_itself():
  done = run('bundle', '--help')
  assert done.returncode == 0
  assert done.stdout.startswith('Puts trained parts')
