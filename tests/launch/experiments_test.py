"""Tests launch/experiments.py."""

import pytest

from audiolm_jax.errors import UserError
from launch import experiments, sweeps
from launch.experiments import Experiment


def experiment(folder, **changes):
  base = Experiment('fine', str(folder), ('fine.gin',), ("TOKENS='a'",))
  return base._replace(**changes)


def test_the_same_experiment_goes_on_in_the_same_folders(tmp_path):
  rates = (sweeps.parse('LEARNING_RATE=1e-3,2e-3'),)
  first = experiment(tmp_path, sweeps=rates)
  experiments.check(first)
  experiments.record(first)
  again = first._replace(sweeps=(sweeps.parse('LEARNING_RATE=0.001,0.002'),))
  experiments.check(again)
  [unit, _] = sweeps.units(again.sweeps)
  assert again.model_dir(unit) == f'{tmp_path}/fine/LEARNING_RATE=0.001'


@pytest.mark.parametrize(
    'changes',
    [
        {'gin_files': ('fine.gin', 'tiny.gin')},
        {'gin_bindings': ("TOKENS='b'",)},
        {'sweeps': (sweeps.parse('A=1'),)},
    ],
)
def test_another_configuration_under_a_name_is_refused(tmp_path, changes):
  experiments.record(experiment(tmp_path))
  with pytest.raises(UserError, match='was started with') as error:
    experiments.check(experiment(tmp_path, **changes))
  assert '\n' not in str(error.value)
  # Launching it nevertheless would not change what is written there.
  experiments.record(experiment(tmp_path, **changes))
  experiments.check(experiment(tmp_path))


@pytest.mark.parametrize(
    'changes,message',
    [
        ({'name': '../x'}, 'experiment=../x'),
        ({'name': ''}, 'experiment='),
        ({'gin_files': ()}, 'gin_file'),
        ({'gin_bindings': ("MODEL_DIR = 'x'",)}, 'MODEL_DIR'),
        ({'sweeps': (sweeps.parse("MODEL_DIR='x','y'"),)}, 'MODEL_DIR'),
    ],
)
def test_what_cannot_be_launched_is_refused(tmp_path, changes, message):
  with pytest.raises(UserError, match=message):
    experiments.check(experiment(tmp_path, **changes))


def test_a_damaged_record_is_named(tmp_path):
  (tmp_path / 'fine').mkdir()
  (tmp_path / 'fine/experiment.json').write_text('{')
  with pytest.raises(UserError, match='experiment.json is damaged'):
    experiments.check(experiment(tmp_path))


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
  (tmp_path / 'file').touch()
  with pytest.raises(UserError, match='experiments_dir'):
    experiments.record(experiment(tmp_path / 'file'))
