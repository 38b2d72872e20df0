"""Tests the wheel: what it holds is enough, outside of the checkout."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
# The package index takes 100 MB.
LARGEST = 90e6


@pytest.fixture(scope='module')
def wheel(tmp_path_factory) -> pathlib.Path:
  """The wheel, built from what git knows, without the network."""
  source = tmp_path_factory.mktemp('source')
  folder = tmp_path_factory.mktemp('wheel')
  tracked = subprocess.check_output(['git', 'ls-files', '-z'], cwd=ROOT)
  copy = ['tar', '--create', '--null', '--files-from=-', '--file=-']
  archive = subprocess.run(
      copy, cwd=ROOT, input=tracked, stdout=subprocess.PIPE, check=True
  )
  subprocess.run(
      ['tar', '--extract', '--file=-'],
      cwd=source,
      input=archive.stdout,
      check=True,
  )
  pip = [sys.executable, '-m', 'pip', 'wheel', '--quiet', '--no-deps']
  pip += ['--no-build-isolation', f'--wheel-dir={folder}', str(source)]
  subprocess.run(pip, check=True)
  (path,) = folder.glob('*.whl')
  return path


@pytest.fixture(scope='module')
def installed(wheel, tmp_path_factory) -> pathlib.Path:
  """A folder that the wheel, and nothing else, is installed in."""
  folder = tmp_path_factory.mktemp('installed')
  pip = [sys.executable, '-m', 'pip', 'install', '--quiet', '--no-deps']
  subprocess.run([*pip, f'--target={folder}', str(wheel)], check=True)
  return folder


def audiolm(installed, folder, *arguments):
  """Runs the installed package in a folder outside of the checkout."""
  done = subprocess.run(
      [sys.executable, '-P', '-m', 'audiolm_jax.cli.main', *arguments],
      cwd=folder,
      env=os.environ | {'PYTHONPATH': str(installed)},
      capture_output=True,
      text=True,
  )
  assert not done.returncode, done.stderr
  return done.stdout


@pytest.mark.slow
def test_the_package_index_would_take_it(wheel):
  assert wheel.stat().st_size < LARGEST


@pytest.mark.slow
def test_a_shipped_prompt_is_continued(installed, tmp_path):
  package = installed / 'audiolm_jax'
  prompt = min((package / 'prompts').glob('piano_*.flac'))
  assert (package / 'prompts/LICENSES.md').exists()
  flags = ('--model=piano', '--seconds=1', '--output_dir=out')
  told = audiolm(installed, tmp_path, 'generate', str(prompt), *flags)
  assert 'out/' in told
  made = json.loads((tmp_path / 'out/manifest.jsonl').read_text())
  assert (tmp_path / 'out' / made['file']).exists()


@pytest.mark.slow
def test_recipes_and_adapters_are_there(installed, tmp_path):
  prompts = installed / 'audiolm_jax/prompts'
  audiolm(installed, tmp_path, 'corpus', 'folder', str(prompts), 'all.jsonl')
  assert len((tmp_path / 'all.jsonl').read_text().splitlines()) > 2
  plan = audiolm(
      installed,
      tmp_path,
      'train',
      '--dry_run',
      '--device=tpu-v4',
      '--gin_file=gin/coarse.gin',
      '--gin_file=gin/tiny.gin',
      '--gin_file=gin/no_tokens.gin',
      '--gin.MODEL_DIR=""',
  )
  assert 'parameters' in plan
