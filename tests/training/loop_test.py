"""Tests audiolm_jax/training/loop.py and what it is made of."""

import errno
import json
import logging
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from tensorboardX.proto import event_pb2

from audiolm_jax.errors import UserError
from audiolm_jax.training import evaluating, optimizers
from audiolm_jax.training.checkpoints import digests
from audiolm_jax.training.checkpoints.loading import load_params
from audiolm_jax.training.loop import train
from audiolm_jax.training.monitoring import tensorboard
from audiolm_jax.training.partitioning import (
    Partitioner,
    make_mesh,
    standard_logical_axis_rules,
)

from . import toy

ROOT = pathlib.Path(__file__).parents[2]


def assert_same(a, b):
  assert jax.tree.structure(a) == jax.tree.structure(b)
  jax.tree.map(np.testing.assert_array_equal, a, b)


def run(directory, num_steps, data=None, **kwargs):
  train_step = kwargs.pop('train_step', None) or toy.ToyTrainStep()
  return train(
      train_step, data or toy.ToyData(), str(directory), num_steps, **kwargs
  )


@pytest.fixture(scope='module')
def straight(tmp_path_factory):
  """Ten steps at one go."""
  return run(tmp_path_factory.mktemp('straight'), 10)


def saved_steps(directory):
  return {
      int(path.name)
      for path in (directory / 'checkpoints').glob('*')
      if path.name.isdigit()
  }


def test_resumed_equals_straight(tmp_path, straight):
  seen = []
  for num_steps in (4, 7, 10):
    state = run(tmp_path, num_steps, toy.ToyData(on_batch=seen.append))
  assert_same(state, straight)
  # Each run looks once at the batch that it takes first, or has taken last.
  assert [n for i, n in enumerate(seen) if i not in (0, 5, 9)] == list(
      range(1, 11)
  )


def test_another_seed_is_another_run(tmp_path, straight):
  state = run(tmp_path, 10, seed=1)
  assert not np.array_equal(state.params['wi'], straight.params['wi'])


def test_a_finished_run_takes_no_more_steps(tmp_path, straight):
  run(tmp_path, 10)
  assert_same(run(tmp_path, 10), straight)


def _vanish(directory, monkeypatch):
  del monkeypatch
  directory.rename(directory.with_name('elsewhere'))


def _fill(directory, monkeypatch):
  del directory

  def full(*args):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

  monkeypatch.setattr(digests, 'seal', full)


@pytest.mark.parametrize(
    'happens, said',
    [
        (_vanish, 'could not be saved'),
        (_fill, 'No space left on device'),
    ],
)
def test_a_folder_that_vanishes_or_fills_is_one_line(
    tmp_path, monkeypatch, caplog, straight, happens, said
):
  directory = tmp_path / 'run'
  # Orbax's threads would write tracebacks. Python 3.11 parses source for each,
  # and two threads that do so at once can fail ("AST constructor recursion").
  caplog.set_level(logging.CRITICAL + 1, 'absl')

  def on_batch(number):
    if number == 6:
      happens(directory, monkeypatch)

  with pytest.raises(UserError, match=said) as error:
    run(directory, 10, toy.ToyData(on_batch=on_batch), save_every=2)
  assert '\n' not in str(error.value) and str(directory) in str(error.value)
  monkeypatch.undo()
  assert_same(run(directory, 10), straight)


# The first batch is looked at before anything is compiled.
@pytest.mark.parametrize('batch', [1, 6])
def test_sigterm_saves_and_the_next_run_goes_on(
    tmp_path, straight, caplog, batch
):
  before = signal.getsignal(signal.SIGTERM)

  def terminate(number):
    if number == batch:
      os.kill(os.getpid(), signal.SIGTERM)

  with caplog.at_level('INFO', 'audiolm_jax'):
    stopped = run(tmp_path, 10, toy.ToyData(on_batch=terminate))
  assert int(stopped.step) == batch and batch in saved_steps(tmp_path)
  assert f'Stopped by SIGTERM at step {batch}' in caplog.text
  assert signal.getsignal(signal.SIGTERM) == before
  assert_same(run(tmp_path, 10), straight)


def test_ctrl_c_saves_before_it_interrupts(tmp_path, straight, capsys):
  before = signal.getsignal(signal.SIGINT)

  def interrupt(number):
    if number == 6:
      os.kill(os.getpid(), signal.SIGINT)

  with pytest.raises(KeyboardInterrupt):
    run(tmp_path, 10, toy.ToyData(on_batch=interrupt))
  assert 6 in saved_steps(tmp_path)
  assert 'Ctrl-C again' in capsys.readouterr().err
  assert signal.getsignal(signal.SIGINT) == before
  assert_same(run(tmp_path, 10), straight)


def test_the_time_limit_saves_and_the_next_run_goes_on(tmp_path, straight):
  assert int(run(tmp_path, 10, time_limit_seconds=0.0).step) == 1
  assert_same(run(tmp_path, 10), straight)


class Failing(toy.ToyTrainStep):
  """Spoils the loss, or the parameters only, from the seventh step on."""

  def __init__(self, loss=0.0, params=0.0, until=7):
    super().__init__()
    self.spoil = loss, params
    self.until = until

  def step(self, state, batch, key):
    spoilt = (state.step >= 6) & (state.step < self.until)
    loss, params = (jnp.where(spoilt, value, 0.0) for value in self.spoil)
    state, metrics = super().step(state, batch, key)
    spoilt = jax.tree.map(lambda leaf: leaf + params, state.params)
    metrics = {'loss': metrics['loss'] + loss, 'accuracy': jnp.float32(1.0)}
    return state.replace(params=spoilt), metrics


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
def test_nan_stops_and_an_earlier_checkpoint_stays(tmp_path, value):
  with pytest.raises(FloatingPointError, match='Step 7: loss'):
    run(tmp_path, 20, train_step=Failing(loss=value), save_every=3)
  assert max(saved_steps(tmp_path)) == 6
  assert np.isfinite(load_params(str(tmp_path)).params['wi']).all()


def test_parameters_that_diverged_are_never_saved(tmp_path):
  with pytest.raises(FloatingPointError, match='Step 7: params/wi'):
    run(tmp_path, 20, train_step=Failing(params=np.nan), save_every=7)
  assert saved_steps(tmp_path) == {0}


@pytest.mark.parametrize('spoil', ['loss', 'params'])
def test_what_is_not_finite_is_left_out_and_counted(tmp_path, caplog, spoil):
  failing = Failing(**{spoil: np.nan})
  with caplog.at_level('INFO', 'audiolm_jax'):
    state = run(tmp_path, 8, train_step=failing, max_skipped=1, log_every=8)
  assert re.findall('Step 7 is left out, the 1. of this run: ', caplog.text)
  found = {(tag, step): value for tag, step, value in events(tmp_path)}
  assert found['skipped', 8].simple_value == 1
  # Seven updates, of the batches 1 to 6 and 8; the count of steps goes on.
  assert int(state.step) == 8 and state.mutables['rows'] == 7 * 8


def test_steps_may_be_left_out_before_and_after_a_stop(tmp_path):
  straight = run(
      tmp_path / 'straight', 10, train_step=Failing(np.inf), max_skipped=1
  )
  for num_steps in (6, 7, 10):
    state = run(
        tmp_path / 'run', num_steps, train_step=Failing(np.inf), max_skipped=1
    )
  assert_same(state, straight)


def test_guarded_steps_are_the_same_steps(tmp_path, straight):
  state = run(tmp_path, 10, max_skipped=3)
  jax.tree.map(
      lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6),
      state,
      straight,
  )


@pytest.mark.parametrize(
    'spoil, message',
    [
        ({'loss': np.nan, 'until': 9}, 'Step 9: loss'),
        ({'params': np.nan, 'until': 9}, 'Step 9: the new state'),
    ],
    ids=['loss', 'params'],
)
def test_too_many_left_out_in_a_row_stop_the_run(tmp_path, spoil, message):
  with pytest.raises(FloatingPointError, match=message):
    run(tmp_path, 20, train_step=Failing(**spoil), max_skipped=2, save_every=8)
  # What is saved after two steps that were left out is the state before them.
  assert max(saved_steps(tmp_path)) == 8
  assert np.isfinite(load_params(str(tmp_path)).params['wi']).all()


def test_means_are_over_weights_and_not_over_batches():
  metrics = [
      {'loss': jnp.float32(1.0), 'weight': jnp.float32(3.0)},
      {'loss': jnp.float32(5.0), 'weight': jnp.float32(1.0)},
  ]
  assert evaluating.means_by_weight(metrics) == {'loss': 2.0}


def test_every_evaluation_starts_afresh(tmp_path):
  made = []

  def eval_data():
    made.append(toy.ToyData())
    return made[-1]

  run(tmp_path, 7, eval_data=eval_data, eval_every=3, num_eval_batches=2)
  # The first look is at the door.
  assert [data.position for data in made] == [1, 2, 2, 2]


def test_the_best_checkpoint_is_kept_and_can_be_loaded(tmp_path):
  """A learning rate that goes up makes a loss that falls and then rises."""
  rate = optax.piecewise_constant_schedule(1e-2, {6: 100.0})
  state = run(
      tmp_path,
      20,
      train_step=toy.ToyTrainStep(optimizers.adam(rate)),
      eval_data=toy.ToyData,
      eval_every=2,
      num_eval_batches=2,
      save_every=10,
      keep=1,
      keep_best=1,
  )
  losses = {
      s: v.simple_value for t, s, v in events(tmp_path) if t == 'eval/loss'
  }
  best = min(losses, key=losses.get)
  assert best < 20 and saved_steps(tmp_path) == {best, 20}
  model = load_params(str(tmp_path / 'checkpoints' / str(best)))
  assert not np.array_equal(model.params['wi'], state.params['wi'])


@pytest.mark.parametrize(
    'settings, message',
    [
        ({'eval_data': toy.ToyData, 'best_metric': 'mel'}, 'one of loss.$'),
        ({}, 'keep_best needs eval_data'),
    ],
)
def test_a_best_by_nothing_is_refused(tmp_path, settings, message):
  with pytest.raises(UserError, match=message):
    run(tmp_path / 'run', 7, keep_best=1, **settings)
  assert not (tmp_path / 'run').exists()


def test_a_split_that_is_not_there_is_refused_before_the_first_step(tmp_path):
  def eval_data():
    raise UserError('no split dev')

  with pytest.raises(UserError, match='no split dev'):
    run(tmp_path / 'run', 7, eval_data=eval_data, eval_every=7)
  assert not (tmp_path / 'run').exists()


def test_an_evaluation_says_what_is_wrong(tmp_path, caplog):
  run(tmp_path, num_steps=2, eval_data=toy.ToyData, num_eval_batches=1)
  assert re.findall(r'Step 2: a loss of \d.\d is a loss', caplog.text)


def test_an_evaluation_without_data_is_an_error(tmp_path):
  with pytest.raises(UserError, match='eval_data'):
    run(tmp_path, 1, eval_data=lambda: iter([]))


def events(directory):
  """Values in the folder's event files: (tag, step, value)."""
  for path in sorted(directory.glob('events.*')):
    content = path.read_bytes()
    while content:
      (size,) = struct.unpack('<Q', content[:8])
      event = event_pb2.Event.FromString(content[12 : 12 + size])
      yield from ((v.tag, event.step, v) for v in event.summary.value)
      content = content[16 + size :]


def test_tensorboard_gets_curves_sound_and_pictures(tmp_path):
  run(
      tmp_path,
      4,
      log_every=2,
      eval_every=4,
      eval_data=toy.ToyData,
      num_eval_batches=1,
  )
  found = {(tag, step): value for tag, step, value in events(tmp_path)}
  for point in (('train/loss', 2), ('train/loss', 4), ('eval/loss', 4)):
    assert np.isfinite(found[point].simple_value)
  assert found['made/1', 4].audio.sample_rate == 1000
  assert found['made/1/log_mel', 4].image.height == 80


def test_a_picture_has_low_notes_at_the_bottom():
  seconds = np.arange(16000, dtype=np.float32) / 16000
  grey = tensorboard.picture(np.sin(2 * np.pi * 200 * seconds), 16000)
  loudest = grey[:, 50].argmax()
  assert grey.max() == 255 and loudest > 0.8 * len(grey)


def test_the_operative_config_lies_beside_the_model(tmp_path):
  run(tmp_path, 1, operative_config='train.seed = 0')
  assert (tmp_path / 'config.gin').read_text() == 'train.seed = 0'
  assert json.loads((tmp_path / 'model.json').read_text())['kind'] == 'toy'


def test_progress_says_loss_speed_and_time_left(tmp_path, caplog):
  with caplog.at_level('INFO', 'audiolm_jax'):
    run(tmp_path, 6, log_every=2)
  lines = [r.getMessage() for r in caplog.records if 'left' in r.getMessage()]
  assert len(lines) == 3
  assert re.fullmatch(
      r'step 4/6  loss \d\S+  \S+ steps/s  data wait \S+%  0:00:0\d left',
      lines[1],
  )


def test_waiting_for_data_is_seen(tmp_path):
  waits = {}
  for name, data in (('slow', toy.slow_data()), ('fast', toy.ToyData())):
    run(tmp_path / name, 20, data, log_every=10)
    waits[name] = {
        step: value.simple_value
        for tag, step, value in events(tmp_path / name)
        if tag == 'throughput/data_wait'
    }
  assert min(waits['slow'].values()) > 0.5
  assert waits['fast'][20] < waits['slow'][20]


def test_work_is_of_the_devices_of_the_mesh(tmp_path):
  a_step = []
  for data in (2, 4):
    mesh = make_mesh(data, 1)
    partitioner = Partitioner(mesh, standard_logical_axis_rules())
    run(tmp_path / str(data), 4, log_every=4, partitioner=partitioner)
    found = {t: v.simple_value for t, _, v in events(tmp_path / str(data))}
    rates = (
        found[f'throughput/{n}'] for n in ('teraflops', 'steps_per_second')
    )
    a_step.append(next(rates) / next(rates))
  np.testing.assert_allclose(a_step[0], 2 * a_step[1], rtol=1e-3)


def start(directory, num_steps, *process, **kwargs):
  command = [sys.executable, toy.__file__, directory, num_steps, *process]
  return subprocess.Popen(
      map(str, command), env=os.environ | {'PYTHONPATH': str(ROOT)}, **kwargs
  )


def wait_for(directory, step, process):
  while not (directory / 'checkpoints' / str(step)).is_dir():
    assert process.poll() is None
    time.sleep(0.01)


def half_written(directory):
  return list((directory / 'checkpoints').glob('*.orbax-checkpoint-tmp*'))


def kill(process, directory, moment, rng):
  """Lets it run up to some moment; says whether a save was cut in half."""
  if moment == 'early':
    time.sleep(rng.uniform(0.5, 5))
  else:
    known = saved_steps(directory)
    while not (
        half_written(directory)
        if moment == 'saving'
        else saved_steps(directory) - known
    ):
      assert process.poll() is None
      time.sleep(0.001)
    if moment == 'late':
      time.sleep(rng.uniform(0, 0.3))
  assert process.poll() is None
  process.kill()
  process.wait()
  return bool(half_written(directory))


def curve(directory, tag):
  """All values that were shown of each step."""
  found = {}
  for name, step, value in events(directory):
    if name == tag:
      found.setdefault(step, set()).add(value.simple_value)
  return found


@pytest.mark.slow
@pytest.mark.usefixtures('optimized')  # As the other process is.
def test_killed_ten_times_equals_unbroken(tmp_path):
  broken, unbroken = tmp_path / 'broken', tmp_path / 'unbroken'
  rng = np.random.default_rng()
  moments = ['early', 'saving', 'late'] * 3 + ['saving']
  cut = [
      kill(start(broken, 200), broken, moment, rng)
      for moment in rng.permutation(moments)
  ]
  assert sum(cut) >= 2
  assert max(saved_steps(broken)) < 200
  assert start(broken, 200).wait() == 0
  run(unbroken, 200, log_every=1, eval_data=toy.ToyData, eval_every=10)
  for tag, count in (('train/loss', 200), ('eval/loss', 20)):
    shown = curve(broken, tag)
    assert len(shown) == count
    assert all(len(values) == 1 for values in shown.values())
    assert shown == curve(unbroken, tag)
  # Two more steps tell other moments apart, and another data position.
  assert_same(run(broken, 202), run(unbroken, 202))


def start_both(directory, **kwargs):
  with socket.socket() as free:
    free.bind(('127.0.0.1', 0))
    port = free.getsockname()[1]
  return [start(directory, 1000, rank, port, **kwargs) for rank in (0, 1)]


@pytest.mark.slow
@pytest.mark.parametrize('survivor', [0, 1])
def test_a_dead_peer_ends_the_run_and_says_so(tmp_path, survivor):
  both = start_both(tmp_path, stderr=subprocess.PIPE, text=True)
  wait_for(tmp_path, 10, both[0])
  both[1 - survivor].kill()
  _, said = both[survivor].communicate(timeout=6 * toy.PEER_TIMEOUT)
  assert both[survivor].returncode not in (0, 75)
  assert 'another task died' in said or 'leader' in said
  both[1 - survivor].communicate()


@pytest.mark.slow
def test_two_processes_stop_together_and_one_goes_on(tmp_path):
  both = start_both(tmp_path)
  wait_for(tmp_path, 10, both[0])
  both[1].terminate()
  assert [process.wait(60) for process in both] == [0, 0]
  stopped = max(saved_steps(tmp_path))
  assert stopped < 1000
  state = run(tmp_path, stopped + 10)
  expected = run(tmp_path / 'straight', stopped + 10)
  jax.tree.map(
      lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6),
      state,
      expected,
  )
