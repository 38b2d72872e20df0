"""Tests checkpoints, digests and trees of audiolm_jax/training/checkpoints."""

import logging
import pathlib
import shutil
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from canary import Canary
from etils import epath
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolm_jax.errors import UserError
from audiolm_jax.training.checkpoints import digests
from audiolm_jax.training.checkpoints.checkpoints import Checkpoints
from audiolm_jax.training.checkpoints.loading import load_params
from audiolm_jax.training.partitioning import (
    Partitioner,
    make_mesh,
    standard_logical_axis_rules,
)
from audiolm_jax.training.state import TrainState

from .. import toy

KEY = jax.random.key(0)
CONFIG = {'kind': 'toy', 'strides': (2, 4)}


class Codebooks(NamedTuple):
  """A container that the folder cannot know."""

  vectors: jax.Array
  usage: jax.Array


def state_of(step: int) -> TrainState:
  vectors = jax.random.normal(jax.random.key(step), (3, 4, 2))
  return TrainState(
      step=jnp.int32(step),
      params={'encoder': {'kernel': vectors[0], 'bias': vectors[1, 0]}},
      opt_state=(jnp.int32(step), {'kernel': 2 * vectors[0]}),
      mutables={'codebooks': Codebooks(vectors, jnp.arange(4))},
  )


def abstract(state: TrainState) -> TrainState:
  return jax.tree.map(
      lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding),
      state,
  )


def save(directory, *steps, keep=3):
  with Checkpoints(str(directory), keep) as checkpoints:
    for step in steps:
      checkpoints.save(step, state_of(step), {'step': step}, CONFIG, 'x = 1')


def restore(directory, like=None, config=CONFIG):
  with Checkpoints(str(directory)) as checkpoints:
    return checkpoints.restore_latest(like or abstract(state_of(0)), config)


def assert_same(a, b):
  assert jax.tree.structure(a) == jax.tree.structure(b)
  jax.tree.map(np.testing.assert_array_equal, a, b)


def test_what_was_saved_comes_back_bit_for_bit(tmp_path):
  save(tmp_path, 3, 7)
  restored = restore(tmp_path)
  assert_same(restored.state, state_of(7))
  assert restored.data_state == {'step': 7}


def test_an_empty_folder_has_nothing_to_restore(tmp_path):
  assert restore(tmp_path) is None


def test_only_the_newest_are_kept(tmp_path):
  save(tmp_path, 1, 2, 3, 4, keep=2)
  assert sorted(p.name for p in (tmp_path / 'checkpoints').iterdir()) == [
      '3',
      '4',
  ]


def test_a_folder_rebuilds_its_model_alone(tmp_path):
  save(tmp_path / 'run', 7)
  moved = shutil.move(tmp_path / 'run', tmp_path / 'elsewhere')
  model = load_params(str(moved))
  assert model.config == {'kind': 'toy', 'strides': [2, 4]}
  assert_same(model.params, state_of(7).params)
  # Dicts stand for classes that the folder cannot name.
  books = Codebooks(**model.mutables['codebooks'])
  assert_same(books, state_of(7).mutables['codebooks'])
  assert (moved / 'config.gin').read_text() == 'x = 1'
  assert '"strides"' in (moved / 'model.json').read_text()


def test_an_older_step_can_be_loaded(tmp_path):
  save(tmp_path, 3, 7)
  older = tmp_path / 'checkpoints' / '3'
  assert_same(load_params(str(older)).params, state_of(3).params)


@pytest.mark.parametrize('name', ['', 'checkpoints/5'])
def test_loading_what_is_not_there_says_so(tmp_path, name):
  if name:
    save(tmp_path, 3)
  with pytest.raises(UserError, match=str(tmp_path)):
    load_params(str(tmp_path / name))


def compiled_on(data, model, fsdp):
  mesh = make_mesh(data, model)
  rules = standard_logical_axis_rules(fsdp)
  return Partitioner(mesh, rules).compile(
      toy.ToyTrainStep(), KEY, next(toy.ToyData())
  )


LAYOUTS = (
    (2, 2, True),
    (1, 2, False),
    (1, 1, False),
    (8, 1, True),
    (2, 4, True),
)


def test_a_state_goes_from_layout_to_layout_unchanged(tmp_path):
  first, _ = compiled_on(*LAYOUTS[0]).step(
      compiled_on(*LAYOUTS[0]).init(), next(toy.ToyData()), KEY
  )
  # Names stand for the arrays: those on devices are donated or not needed.
  expected = jax.device_get(first)
  state = first
  for step, layout in enumerate(LAYOUTS[1:]):
    like = compiled_on(*layout).abstract
    with Checkpoints(str(tmp_path)) as checkpoints:
      checkpoints.save(step, state, {}, CONFIG)
      state = checkpoints.restore_latest(like, CONFIG).state
    assert_same(jax.device_get(state), expected)
    assert state.params['wi'].sharding == like.params['wi'].sharding
    assert_same(load_params(str(tmp_path)).params, expected.params)
  assert len(state.params['wi'].sharding.device_set) == 8


def kept(directory):
  return sorted(int(p.name) for p in (directory / 'checkpoints').iterdir())


def test_the_newest_the_best_and_every_tenth_are_kept(tmp_path):
  losses = {4: 1.0, 8: 0.5, 10: 0.9, 12: 0.7, 14: 0.8, 17: None, 20: 2.0}
  for reopened in ((4, 8, 10), (12, 14, 17), (20, 21)):
    with Checkpoints(str(tmp_path), 1, 2, 10, 'nll') as checkpoints:
      for step in reopened:
        loss = losses.get(step)
        metrics = None if loss is None else {'nll': loss, 'other': -loss}
        checkpoints.save(step, state_of(step), {}, CONFIG, '', metrics)
  assert kept(tmp_path) == [8, 10, 12, 20, 21]


@pytest.fixture(scope='module')
def saved(tmp_path_factory) -> pathlib.Path:
  """A folder with steps 3 and 7, to be copied."""
  folder = tmp_path_factory.mktemp('saved')
  save(folder, 3, 7)
  return folder


def largest_file(folder: pathlib.Path) -> pathlib.Path:
  files = [p for p in (folder / 'weights').rglob('*') if p.is_file()]
  return max(files, key=lambda p: p.stat().st_size)


def flip(path, bit=100):
  content = bytearray(path.read_bytes())
  content[bit // 8 % len(content)] ^= 1 << bit % 8
  path.write_bytes(content)


def truncate(path):
  path.write_bytes(path.read_bytes()[:-5])


def put_in_another_leaf(step):
  """What no digest of a file can see: it was written wrong."""
  other = step.parent / '3' / 'weights'
  shutil.rmtree(step / 'weights')
  shutil.copytree(other, step / 'weights')
  digests.seal(epath.Path(step), frozenset({'_CHECKPOINT_METADATA'}))


DAMAGE = {
    'flipped bit': lambda step: flip(largest_file(step)),
    'truncated': lambda step: truncate(largest_file(step)),
    'missing file': lambda step: largest_file(step).unlink(),
    'missing item': lambda step: shutil.rmtree(step / 'optimizer'),
    'bad metadata': lambda step: truncate(step / 'weights' / '_METADATA'),
    'other position': lambda step: flip(step / 'run' / 'metadata'),
    'bad digests': lambda step: truncate(step / digests.SEAL),
    'other array': put_in_another_leaf,
    'no digests': lambda step: (step / digests.SEAL).unlink(),
    'empty': lambda step: (shutil.rmtree(step), step.mkdir()),
}


@pytest.mark.parametrize('kind', DAMAGE)
def test_a_damaged_newest_checkpoint_falls_back_and_says_so(
    saved, tmp_path, caplog, kind
):
  run = shutil.copytree(saved, tmp_path / 'run')
  DAMAGE[kind](run / 'checkpoints' / '7')
  with caplog.at_level(logging.WARNING, 'audiolm_jax'):
    assert_same(load_params(str(run)).params, state_of(3).params)
    with Checkpoints(str(run)) as checkpoints:
      restored = checkpoints.restore_latest(abstract(state_of(0)), CONFIG)
      # The number is free again, and nothing of the damaged one was lost.
      checkpoints.save(7, state_of(8), {}, CONFIG)
  assert_same(restored.state, state_of(3))
  assert restored.data_state == {'step': 3}
  assert f'Checkpoint 7 of {run} is damaged' in caplog.text
  assert len(list((run / 'damaged').iterdir())) == 1
  assert_same(restore(run).state, state_of(8))


# Orbax stamps them after the seal is set; what they say is not needed.
STAMPS = ('_CHECKPOINT_METADATA', 'commit_success.txt')
SPOIL = {'flip': flip, 'truncate': truncate, 'delete': lambda p: p.unlink()}


def files_of(step: pathlib.Path) -> list[pathlib.Path]:
  return [p for p in sorted(step.rglob('*')) if p.is_file()]


@pytest.mark.parametrize('kind', SPOIL)
def test_damage_to_any_file_is_noticed(saved, tmp_path, kind):
  step = saved / 'checkpoints' / '7'
  for number, path in enumerate(files_of(step)):
    if path.parent == step and path.name in STAMPS:
      continue
    copy = shutil.copytree(step, tmp_path / str(number))
    SPOIL[kind](copy / path.relative_to(step))
    assert digests.damage(epath.Path(copy)), path


@pytest.mark.parametrize('name', STAMPS)
@pytest.mark.parametrize('kind', SPOIL)
def test_a_damaged_stamp_changes_nothing(saved, tmp_path, kind, name):
  run = shutil.copytree(saved, tmp_path / 'run')
  SPOIL[kind](run / 'checkpoints' / '7' / name)
  restored = restore(run)
  assert_same(restored.state, state_of(7))
  assert restored.data_state == {'step': 7}


def other_name(path):
  path.write_text(path.read_text().replace('loss', 'lost'))


@pytest.mark.parametrize('kind', [*SPOIL, 'other name'])
@pytest.mark.parametrize('step', [3, 7])
def test_damaged_metrics_are_passed_over(tmp_path, caplog, step, kind):
  def opened():
    return Checkpoints(str(tmp_path), keep=1, keep_best=1)

  with opened() as checkpoints:
    for number, loss in ((3, 0.1), (7, 0.2)):
      metrics = {'loss': loss}
      checkpoints.save(number, state_of(number), {}, CONFIG, '', metrics)
  spoil = SPOIL.get(kind, other_name)
  spoil(tmp_path / f'checkpoints/{step}/metrics/metrics')
  with opened() as checkpoints:
    restored = checkpoints.restore_latest(abstract(state_of(0)), CONFIG)
    assert_same(restored.state, state_of(3 if step == 7 else 7))
    for number in (8, 9):
      metrics = {'loss': 0.3}
      checkpoints.save(number, state_of(number), {}, CONFIG, '', metrics)
  # One is the newest, one the best of those whose metrics can be believed.
  assert kept(tmp_path) == ([3, 9] if step == 7 else [7, 9])
  if kind != 'delete' or step == 7:
    assert f'Checkpoint {step} of {tmp_path} is damaged' in caplog.text


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_flipped_bit_is_noticed(saved, data):
  folder = saved / 'checkpoints' / '7'
  files = [
      p for p in files_of(folder) if p.parent != folder or p.name not in STAMPS
  ]
  path = data.draw(st.sampled_from(files))
  bit = data.draw(st.integers(0, 8 * path.stat().st_size - 1))
  assert digests.damage(epath.Path(folder)) is None
  flip(path, bit)
  try:
    assert digests.damage(epath.Path(folder))
  finally:
    flip(path, bit)


def _reseal(step: pathlib.Path) -> None:
  (step / digests.SEAL).unlink()
  digests.seal(epath.Path(step), frozenset({'_CHECKPOINT_METADATA'}))


@pytest.mark.parametrize('kind', ['pickle', 'JSON', 'nothing'])
def test_no_file_of_a_stranger_is_run_whatever_its_digest(
    saved, tmp_path, kind
):
  canary = Canary(tmp_path / 'sang')
  content = {'pickle': canary.pickled, 'JSON': b'{"a": [1]}', 'nothing': b''}[
      kind
  ]
  refused = []
  for path in files_of(saved / 'checkpoints' / '7'):
    name = path.relative_to(saved)
    run = shutil.copytree(saved, tmp_path / 'run', dirs_exist_ok=True)
    shutil.rmtree(run / 'checkpoints' / '3')
    (run / name).write_bytes(content)
    if path.name != digests.SEAL:
      _reseal(run / 'checkpoints' / '7')
    for read in (load_params, restore):
      try:
        read(str(run))
      except UserError as error:
        assert '\n' not in str(error)
        refused.append(name)
    shutil.rmtree(run)
    assert not canary.path.exists(), name
  assert len(refused) > 8
  canary.check_silent()


def test_nothing_intact_is_an_error_and_not_a_fresh_start(saved, tmp_path):
  run = shutil.copytree(saved, tmp_path / 'run')
  for step in ('3', '7'):
    flip(largest_file(run / 'checkpoints' / step))
  with pytest.raises(UserError, match='Every checkpoint'):
    restore(run)
  assert (run / 'checkpoints' / '7').is_dir()


def test_a_damaged_step_is_not_loaded(saved, tmp_path):
  run = shutil.copytree(saved, tmp_path / 'run')
  flip(largest_file(run / 'checkpoints' / '3'))
  with pytest.raises(UserError, match='Checkpoint .*3 is damaged .* digest'):
    load_params(str(run / 'checkpoints' / '3'))


def test_an_unfinished_save_does_not_count(saved, tmp_path):
  run = shutil.copytree(saved, tmp_path / 'run')
  unfinished = run / 'checkpoints' / '9.orbax-checkpoint-tmp'
  shutil.copytree(run / 'checkpoints' / '7', unfinished)
  assert restore(run).data_state == {'step': 7}


def test_another_model_is_refused_in_one_line(saved, tmp_path):
  run = shutil.copytree(saved, tmp_path / 'run')
  with pytest.raises(UserError, match=r'strides is \[2, 4\]') as error:
    restore(run, config=CONFIG | {'strides': (2, 5)})
  assert '\n' not in str(error.value)
  wider = state_of(0).replace(params={'encoder': {'kernel': jnp.ones((9, 2))}})
  with pytest.raises(UserError) as error:
    restore(run, abstract(wider))
  message = str(error.value)
  assert 'params/encoder/bias is float32[2], this run has no such' in message
  assert 'params/encoder/kernel is float32[4, 2], this run has' in message
  assert '\n' not in message


def test_of_many_differences_some_are_named_and_all_are_counted(saved):
  names = [f'layer_{index}' for index in range(20)]
  deeper = state_of(0).replace(params=dict.fromkeys(names, jnp.ones(2)))
  with pytest.raises(UserError, match='params/layer_0 .*; and 16 more; use a'):
    restore(saved, abstract(deeper))


def test_many_settings_that_differ_hide_no_array(saved):
  config = CONFIG | {name: 1 for name in 'abcdefgh'}
  wider = state_of(0).replace(params={'encoder': {'kernel': jnp.ones((9, 2))}})
  with pytest.raises(UserError, match='f is None.*params/encoder/kernel is'):
    restore(saved, abstract(wider), config)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
  (tmp_path / 'file').write_text('')
  with pytest.raises(UserError, match='cannot be made'):
    Checkpoints(str(tmp_path / 'file' / 'run'))
