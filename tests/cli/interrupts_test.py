"""Tests audiolm_jax/cli/interrupts.py, in processes of their own."""

import pathlib
import signal
import subprocess
import sys

import pytest

from audiolm_jax.cli import interrupts

ROOT = pathlib.Path(__file__).parents[2]
WAITS = """
  ready()
  time.sleep(60)"""
# What a callback of C code does with an exception.
SWALLOWS = """
  try:
    ready()
    time.sleep(60)
  except KeyboardInterrupt:
    print('heard', flush=True)
  time.sleep(60)"""
LEAVES_A_THREAD = """
  threading.Thread(target=time.sleep, args=(60,)).start()
  ready()
  time.sleep(60)"""
VERB = """
import sys, threading, time
from absl import flags
from audiolm_jax.cli import interrupts, verb
interrupts._GRACE_SECONDS = {grace}
def ready():
  print('ready', flush=True)
def main(argv):{body}
verb.run(main, flags.FlagValues(), ['verb'])
"""


def start(body, grace):
  process = subprocess.Popen(
      [sys.executable, '-c', VERB.format(body=body, grace=grace)],
      cwd=ROOT,
      stdout=subprocess.PIPE,
      stderr=subprocess.PIPE,
      text=True,
  )
  assert process.stdout.readline() == 'ready\n'
  return process


@pytest.mark.parametrize('body', [WAITS, SWALLOWS, LEAVES_A_THREAD])
def test_ctrl_c_is_one_line_and_130(body):
  process = start(body, grace=0.5)
  process.send_signal(signal.SIGINT)
  _, errors = process.communicate(timeout=30)
  assert process.returncode == interrupts.EXIT_CODE == 130
  assert set(errors.splitlines()) == {'Interrupted.'}


def test_the_second_ctrl_c_ends_at_once():
  process = start(SWALLOWS, grace=60)
  process.send_signal(signal.SIGINT)
  assert process.stdout.readline() == 'heard\n'
  process.send_signal(signal.SIGINT)
  assert process.wait(5) == -signal.SIGINT
