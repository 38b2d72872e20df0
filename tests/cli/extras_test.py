"""What works without the extras, and what the others say."""

import importlib.metadata
import json
import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from audiolm_jax.cli import corpus, extras, main
from tests.missing import WITHOUT_TENSORFLOW
from tests.tokens import random_store

ROOT = pathlib.Path(__file__).parents[2]

# Runs the program, once for each list of words, as if no extra were installed.
_CORE_ONLY = """
import contextlib, io, json, sys

class Blocker:
  def find_spec(self, name, path=None, target=None):
    if extras.extra_of(name):
      raise ModuleNotFoundError(f'No module named {name!r}', name=name)

from audiolm_jax.cli import extras
sys.meta_path.insert(0, Blocker())
from audiolm_jax.cli import main
found = []
for words in json.loads(sys.argv[1]):
  sys.argv = ['audiolm', *words]
  said, code = io.StringIO(), 0
  with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
    try:
      main.run()
    except SystemExit as end:
      code = end.code or 0
  found.append((code, said.getvalue()))
print(json.dumps(found))
"""

# Runs the program and says which libraries it took.
_LIBRARIES = """
import json, sys
from audiolm_jax.cli import main
try:
  main.run()
finally:
  print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))
"""


def run(*commands) -> list[tuple[int, str]]:
  """Exit code and output of each command."""
  done = subprocess.run(
      # Several verbs run in one process here, which they do not in life.
      [sys.executable, '-Wignore', '-c', _CORE_ONLY, json.dumps(commands)],
      capture_output=True,
      text=True,
      check=True,
      cwd=ROOT,
  )
  return json.loads(done.stdout.splitlines()[-1])


def test_help_and_the_first_error_of_every_verb_need_no_extra():
  verbs = [[verb] for verb in main._available() if verb != 'corpus']
  verbs += [['corpus', adapter] for adapter in corpus.MODULES]
  assert len(verbs) >= 14
  helped = run(*([*verb, '--help'] for verb in verbs))
  assert [code for code, _ in helped] == [0] * len(verbs)
  assert all('Flags:' in said for _, said in helped)
  refused = run(*verbs)
  assert [code for code, _ in refused] == [2] * len(verbs)
  for _, said in refused:
    assert re.fullmatch(r'Error: [^\n]*\n', said), said


def test_what_needs_an_extra_says_which(tmp_path):
  soundfile.write(tmp_path / 'a.wav', np.zeros(800), 16000)
  commands = {
      'extract': [
          f'--input={tmp_path}/*.wav',
          '--model=speech',
          f'--output_dir={tmp_path}/tokens',
      ],
      'train': [
          '--gin_file=gin/coarse.gin',
          f"--gin.TOKENS='{tmp_path}'",
          f"--gin.MODEL_DIR='{tmp_path}/run'",
      ],
      'corpus': ['tfds', str(tmp_path / 'corpus'), '--dataset=librispeech'],
      # Only a bundle is read without Orbax.
      'bundle': [str(tmp_path), f'--output_dir={tmp_path}/bundle'],
  }
  for code, said in run(*([verb, *words] for verb, words in commands.items())):
    assert code == 2
    assert re.search(
        r'Error: this needs the package [\w.]+, which is not installed: pip'
        r" install 'audiolm_jax\[train\]'\.\n$",
        said,
    ), said


@pytest.mark.slow
def test_a_recording_is_continued_without_what_trains(tiny_model, tmp_path):
  soundfile.write(tmp_path / 'a.wav', np.full(3200, 0.1), 16000)
  words = [
      *('generate', str(tmp_path / 'a.wav'), f'--output_dir={tmp_path}/out'),
      *(f'--model={tiny_model}', '--prompt_seconds=0.2', '--seconds=0.1'),
  ]
  done = subprocess.run(
      [sys.executable, '-c', _LIBRARIES, *words],
      capture_output=True,
      text=True,
      check=True,
  )
  libraries = set(json.loads(done.stdout.splitlines()[-1]))
  assert (tmp_path / 'out/a_0.wav').is_file()
  assert 'jax' in libraries
  assert not {'optax', 'orbax', 'tensorstore'} & libraries


@pytest.mark.slow
def test_grain_reads_where_tensorflow_is_not_there(tmp_path):
  """All parts of launch/tiny.sh learn so (tests/launch/tiny_test.py)."""
  random_store.write(tmp_path, {'train': [40] * 8, 'dev': [40] * 4})
  flags = ['CROP_SECONDS=0.8', 'TRAIN_STEPS=2', 'BATCH_SIZE=2']
  flags += [f"TOKENS='{tmp_path}'", f"MODEL_DIR='{tmp_path}/run'"]
  files = ['coarse', 'tiny', 'data_grain']
  done = subprocess.run(
      [
          *(sys.executable, '-c', WITHOUT_TENSORFLOW + _LIBRARIES, 'train'),
          *(f'--gin_file=gin/{name}.gin' for name in files),
          *(f'--gin.{flag}' for flag in flags),
      ],
      capture_output=True,
      text=True,
      cwd=ROOT,
      # What is computed is of no interest.
      env={**os.environ, 'JAX_DISABLE_MOST_OPTIMIZATIONS': '1'},
  )
  assert not done.returncode, done.stderr
  assert (tmp_path / 'run/checkpoints/2').is_dir()
  assert 'grain' in json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize('extra', extras.EXTRAS)
def test_every_package_of_an_extra_is_known(extra):
  modules = importlib.metadata.packages_distributions()
  installed = {
      distribution.lower().replace('_', '-')
      for distributions in modules.values()
      for distribution in distributions
  }
  known = {
      distribution.lower().replace('_', '-')
      for part in _parts(extra)
      for name in extras.EXTRAS.get(part, ())
      for distribution in modules.get(name.partition('.')[0], ())
  }
  # Weights of the recogniser are no modules.
  wanted = {name for name in _wanted(extra) if 'whisper-base' not in name}
  assert wanted and not (wanted & installed) - known


def _parts(extra):
  """An extra, those that it is made of, and those that are made of it."""
  whole = {'grain': ['train']}.get(extra, [])
  return [extra, *whole, *_made_of(extra)]


def _made_of(extra):
  return [
      name
      for line in _required(extra)
      if (others := re.match(r'audiolm[_-]jax\[([\w,]+)\]', line))
      for name in others[1].split(',')
  ]


def _required(extra):
  return [
      line
      for line in importlib.metadata.requires('audiolm_jax')
      if re.search(f"""extra == ['"]{extra}['"]""", line)
  ]


def _wanted(extra):
  """Distributions of an extra, and of those that it is made of."""
  found = set()
  for line in _required(extra):
    others = re.match(r'audiolm[_-]jax\[([\w,]+)\]', line)
    if others:
      found |= {name for one in others[1].split(',') for name in _wanted(one)}
    else:
      found.add(re.match(r'[\w-]+', line)[0].lower().replace('_', '-'))
  return found
