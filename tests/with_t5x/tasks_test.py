"""Tests `audiolm_jax/t5x/tasks.py`."""

import subprocess
import sys

import pytest
import seqio

from audiolm_jax.errors import UserError
from audiolm_jax.t5x import stage_file, tasks
from audiolm_jax.tokens import stages
from tests.tokens import random_store

SIZES = random_store.SIZES


@pytest.fixture(name='token_dir')
def fixture_token_dir(tmp_path, monkeypatch):
  monkeypatch.setattr(seqio.TaskRegistry, '_REGISTRY', {})
  (tmp_path / 'store').mkdir()
  random_store.write(tmp_path / 'store', {'train': [9, 12], 'dev': [5]}, 1)
  return str(tmp_path / 'store')


STAGES = {
    'semantic': stages.semantic(SIZES),
    'coarse': stages.coarse(SIZES),
    'fine': stages.fine(SIZES, num_coarse=2),
}


@pytest.mark.parametrize('stage', STAGES)
def test_a_stage_is_found_by_both_of_its_names(token_dir, stage):
  made = STAGES[stage]
  name = tasks.register(token_dir, made, 0.4)
  assert name == f'audiolm/{stage}'
  found = seqio.get_mixture_or_task(name)
  # t5x evaluates each task by the name that it bears.
  (task,) = seqio.get_subtasks(found)
  assert seqio.get_mixture_or_task(task.name) is found
  assert set(found.splits) == {'train', 'dev'}
  assert found.output_features.keys() == tasks.feature_lengths(made, 0.4).keys()
  vocabularies = [f.vocabulary for f in found.output_features.values()]
  assert vocabularies == [seqio.PassThroughVocabulary(made.vocab_size)] * 3


def test_the_same_may_be_registered_again_and_no_other(token_dir):
  stage = stages.coarse(SIZES)
  assert tasks.register(token_dir, stage, 0.4) == tasks.register(
      token_dir, stages.coarse(SIZES), 0.4
  )
  with pytest.raises(UserError, match='audiolm/coarse is registered with'):
    tasks.register(token_dir, stage, 0.8)


def test_a_stage_in_time_is_refused(token_dir):
  stage = stages.fine(SIZES, 2, positions='time')
  with pytest.raises(UserError, match="positions='index'"):
    tasks.register(token_dir, stage, 0.4)


def test_the_run_gets_what_an_import_needs(token_dir, tmp_path):
  stage = stages.coarse(SIZES, num_coarse=2)
  tasks.register(token_dir, stage, 0.4, str(tmp_path / 'run'))
  said = stage_file.read(tmp_path / 'run/checkpoint_1')
  assert stages.Stage.from_config(said.pop('stage')) == stage
  assert said == {'crop_seconds': 0.4, 'tokenizers': random_store.FINGERPRINTS}


@pytest.mark.slow
def test_importing_registers_nothing():
  code = (
      'import seqio; before = set(seqio.TaskRegistry.names());'
      ' import audiolm_jax.t5x.tasks, audiolm_jax.t5x.converter;'
      ' assert set(seqio.TaskRegistry.names()) == before'
  )
  subprocess.run([sys.executable, '-c', code], check=True)
