"""Tests launch/local.py, on processes that only count and exit."""

import pathlib
import signal
import subprocess
import sys
import time

import pytest

from launch import local
from launch.workers import Worker

# Says that it started, then ends as the next word of its list says.
PROGRAM = """
import pathlib, sys, time
starts = pathlib.Path(sys.argv[1])
with starts.open('a') as file:
  file.write('.')
codes = sys.argv[2:]
code = int(codes[min(len(starts.read_text()), len(codes)) - 1])
time.sleep(60) if code < 0 else sys.exit(code)
"""


def worker(path, *codes):
  """Exits with these codes, one a start; a negative one sleeps instead."""
  words = [sys.executable, '-S', '-c', PROGRAM, str(path), *map(str, codes)]
  return Worker(path.name, words, {})


def starts(path):
  return len(path.read_text())


@pytest.mark.parametrize(
    'codes,result,expected',
    [
        ([0], 0, 1),
        ([2, 0], 2, 1),  # A mistake: never again.
        ([75, 75, 75, 75, 0], 0, 5),  # Stopped: as often as it takes.
        ([1, 9, 0], 0, 3),
        ([1], 1, 3),  # Failures: the first and two more.
    ],
)
def test_exit_codes_decide_what_comes_next(tmp_path, codes, result, expected):
  one = worker(tmp_path / 'a', *codes)
  assert local.run([[one]], max_failures=2) == result
  assert starts(tmp_path / 'a') == expected


def test_all_start_again_when_one_has_failed(tmp_path):
  group = [worker(tmp_path / 'a', 1, 0), worker(tmp_path / 'b', -1, 0)]
  assert local.run([group], grace_seconds=0.1) == 0
  assert starts(tmp_path / 'a') == starts(tmp_path / 'b') == 2


def test_a_mistake_counts_more_than_what_follows_from_it(tmp_path):
  group = [worker(tmp_path / 'a', -1), worker(tmp_path / 'b', 2)]
  assert local.run([group], grace_seconds=0.1) == 2


def test_a_run_that_fails_leaves_the_others_their_turn(tmp_path):
  runs = [[worker(tmp_path / 'a', 2)], [worker(tmp_path / 'b', 0)]]
  assert local.run(runs) == 2
  assert starts(tmp_path / 'b') == 1


def test_sigterm_reaches_the_workers_and_ends_all_runs(tmp_path):
  code = f"""
import sys
from launch import local
from launch.workers import Worker
program = {PROGRAM!r}
a = [sys.executable, '-S', '-c', program, {str(tmp_path / 'a')!r}, '-1']
b = [sys.executable, '-S', '-c', program, {str(tmp_path / 'b')!r}, '0']
sys.exit(local.run([[Worker('a', a, {{}})], [Worker('b', b, {{}})]]))
"""
  process = subprocess.Popen([sys.executable, '-c', code])
  while not (tmp_path / 'a').exists():
    time.sleep(0.05)
  process.send_signal(signal.SIGTERM)
  assert process.wait(timeout=30) == local.STOPPED
  assert not (tmp_path / 'b').exists()


def test_a_mistake_explains_more_than_a_failure_and_that_than_a_stop(tmp_path):
  for codes, expected in (((75, 2, 1), 2), ((75, 9), 9)):
    paths = [tmp_path / f'{len(codes)}-{code}' for code in codes]
    group = local.Group(map(worker, paths, codes))
    while not all(map(pathlib.Path.exists, paths)):
      time.sleep(0.05)
    time.sleep(0.2)  # All have ended before anybody looks.
    assert group.wait() == expected
