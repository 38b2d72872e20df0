"""Tests what `audiolm_jax` itself offers, and where it offered it before."""

import pathlib
import subprocess
import sys
import tomllib

import pytest

import audiolm_jax
from audiolm_jax.bundle import bundle, predictors
from audiolm_jax.generation import audiolm, beginnings

ROOT = pathlib.Path(__file__).parents[1]


def test_importing_the_package_does_not_import_jax():
  code = 'import sys, audiolm_jax; print("jax" in sys.modules)'
  done = subprocess.run(
      [sys.executable, '-c', code], capture_output=True, text=True, check=True
  )
  assert done.stdout.strip() == 'False'


def test_what_is_installed_has_all_that_it_reads():
  project = tomllib.loads((ROOT / 'pyproject.toml').read_text())
  patterns = project['tool']['setuptools']['package-data']['audiolm_jax']
  package = ROOT / 'audiolm_jax'
  installed = {path for each in patterns for path in package.glob(each)}
  assert all(any(package.glob(each)) for each in patterns)
  recipes = {path.name for path in installed if path.suffix == '.gin'}
  assert recipes == {path.name for path in (ROOT / 'gin').glob('*.gin')}
  for path in package.rglob('*'):
    if path.is_file() and path.suffix not in ('.py', '.pyc', '.gin'):
      assert path in installed, path


def test_the_package_offers_what_most_users_need():
  assert audiolm_jax.AudioLM is audiolm.AudioLM
  assert audiolm_jax.Bundle is bundle.Bundle
  with pytest.raises(AttributeError, match='Audiolm'):
    _ = audiolm_jax.Audiolm


def test_the_old_place_of_bundles_works_and_names_the_new_one():
  with pytest.warns(DeprecationWarning, match=r'audiolm_jax\.bundle\.bundle'):
    from audiolm_jax.bundle import Bundle, LanguageModel, ParallelModel
  assert Bundle is bundle.Bundle
  assert LanguageModel is predictors.LanguageModel
  assert ParallelModel is predictors.ParallelModel


def test_the_old_place_of_audiolm_works_and_names_the_new_one():
  with pytest.warns(DeprecationWarning, match=r'generation\.audiolm'):
    from audiolm_jax.generate import AudioLM, Generation
  assert AudioLM is audiolm.AudioLM
  assert Generation is audiolm.Generation
  with pytest.warns(DeprecationWarning, match=r'generation\.beginnings'):
    from audiolm_jax.generate import keep_prompt
  assert keep_prompt is beginnings.keep_prompt


@pytest.mark.parametrize('name', ['audiolm_jax.bundle', 'audiolm_jax.generate'])
def test_what_was_never_there_is_not_there(name):
  with pytest.raises(ImportError):
    exec(f'from {name} import Nothing')
