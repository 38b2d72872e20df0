"""Tests audiolm_jax/training/monitoring/watchdog.py."""

import subprocess
import sys
import threading
import time

import pytest

from audiolm_jax.training.checkpoints.checkpoints import Checkpoints
from audiolm_jax.training.loop import train
from audiolm_jax.training.monitoring import watchdog
from audiolm_jax.training.monitoring.watchdog import Watchdog

from .. import toy

# A run whose data stalls.
STALLED = """
import sys, time
from audiolm_jax.training.loop import train
from tests.training import toy

def on_batch(number):
  if number == {number}:
    time.sleep(600)


train(toy.ToyTrainStep(), {train_data}, sys.argv[1], 10, stall_seconds=2,
      eval_data={eval_data}, eval_every=2, num_eval_batches=8)
"""
STALLING = 'toy.ToyData(on_batch=on_batch)'


@pytest.mark.parametrize(
    'number, train_data, eval_data, what',
    [
        (1, STALLING, 'None', 'the first batch'),
        (5, STALLING, 'None', 'the batch of step 5'),
        (5, 'toy.ToyData', f'lambda: {STALLING}', 'a batch of the evaluation'),
    ],
    ids=['first', 'train', 'eval'],
)
def test_a_stalled_source_ends_the_run_and_says_which(
    tmp_path, number, train_data, eval_data, what
):
  text = STALLED.format(
      number=number, train_data=train_data, eval_data=eval_data
  )
  done = subprocess.run(
      [sys.executable, '-c', text, tmp_path],
      timeout=60,
      capture_output=True,
      text=True,
      check=False,
  )
  assert done.returncode == watchdog.EXIT_CODE
  assert f'Waited 2 s for {what}; giving up.' in done.stderr
  # It shows the line that hangs.
  assert 'in on_batch' in done.stderr


@pytest.mark.parametrize(
    'method, what',
    [
        ('restore_latest', 'the checkpoint to go on from'),
        ('save', 'the checkpoint of step 0'),
        ('save', 'the checkpoint of step 1'),
        ('wait', 'the last checkpoint to be written'),
    ],
)
def test_a_stalled_disk_is_seen(tmp_path, monkeypatch, method, what):
  ended = []
  monkeypatch.setattr(Watchdog, '_end', lambda _, what: ended.append(what))
  works = getattr(Checkpoints, method)

  def stalls(*args):
    time.sleep(1.0)
    return works(*args)

  monkeypatch.setattr(Checkpoints, method, stalls)
  train(toy.ToyTrainStep(), toy.ToyData, str(tmp_path), 1, stall_seconds=0.5)
  assert what in ended


def test_short_waits_and_the_time_between_do_not_count(monkeypatch):
  ended = []
  monkeypatch.setattr(Watchdog, '_end', lambda _, what: ended.append(what))
  with Watchdog(0.4) as dog:
    for _ in range(5):
      with dog.waiting_for('a'):
        time.sleep(0.1)
    time.sleep(0.6)
    assert list(dog.watched(iter('abc'), 'b')) == ['a', 'b', 'c']
    assert not ended
    with dog.waiting_for('c'):
      time.sleep(0.6)
  assert set(ended) == {'c'}


def test_no_limit_is_no_thread():
  threads = threading.active_count()
  with Watchdog(float('inf')) as dog, dog.waiting_for('ever'):
    assert threading.active_count() == threads
