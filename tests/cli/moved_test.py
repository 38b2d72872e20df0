"""Tests audiolm_jax/cli/moved.py."""

import importlib.util

import gin
import pytest

from audiolm_jax.cli import gin_config, moved
from audiolm_jax.errors import UserError

BEFORE = {
    'import audiolm_jax.lm.language_model as language_model\n'
    'language_model.LanguageModelTrainStep.crop_seconds = 1.0\n': (
        'audiolm_jax.lm.train_step'
    ),
    'from audiolm_jax.tokens import tasks\ntasks.batches.seed = 1\n': (
        'audiolm_jax.tokens.batches.sequences'
    ),
    'from audiolm_jax import bundle_files\n'
    "bundle_files.weights.part = 'fine'\n": 'audiolm_jax.bundle.folder',
    # A file that has become a folder is found, but not what it held.
    "from audiolm_jax.tokens import store\nstore.sizes.token_dir = 'x'\n": (
        'audiolm_jax.tokens.store.store'
    ),
}


@pytest.mark.parametrize('text', BEFORE)
def test_a_gin_file_of_before_is_told_the_new_name_in_one_line(text, tmp_path):
  path = tmp_path / 'before.gin'
  path.write_text(f'from __gin__ import dynamic_registration\n{text}')
  with pytest.raises(UserError, match=f'{BEFORE[text]} now') as error:
    gin_config.parse([str(path)], [], [])
  gin.clear_config()
  assert '\n' not in str(error.value) and 'before.gin' in str(error.value)


@pytest.mark.parametrize('name', sorted(set(moved._MOVED.values())))
def test_the_new_names_are_there(name):
  assert importlib.util.find_spec(f'audiolm_jax.{name}')


def test_other_mistakes_are_not_taken_for_moves():
  assert moved.hint("No module named 'audiolm_jax.nowhere'") is None
  assert moved.hint("'audiolm_jax.tokens.store.store' has no size") is None
