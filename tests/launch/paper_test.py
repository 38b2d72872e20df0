"""Tests launch/speech.sh and launch/piano.sh: their commands, without a run."""

import importlib
import os
import pathlib
import subprocess

import gin
import pytest

from audiolm_jax.cli import gin_config, gin_flags, train

REPOSITORY = pathlib.Path(__file__).parents[2]
ORDER = {
    'speech': ['corpus']
    + ['train'] * 2
    + ['cluster', 'bundle', 'extract']
    + ['train'] * 3
    + ['bundle', 'generate', 'evaluate'],
    'piano': ['corpus']
    + ['train'] * 2
    + ['cluster', 'bundle', 'extract']
    + ['train'] * 2
    + ['bundle', 'generate', 'evaluate'],
}
SCRIPTS = list(ORDER)


def commands(folder, script, **settings):
  """Words of all that a script starts, with programs that only take notes."""
  log = folder / 'log'
  program = folder / 'audiolm'
  note = f'printf \'%s\\x1f\' audiolm "$@" >>{log}; echo >>{log}'
  code = '[[ $1 != corpus ]] || exit ${CORPUS_CODE:-0}'
  program.write_text(f'#!/bin/bash\n{note}\n{code}\n')
  program.chmod(0o755)
  environment = os.environ | {
      'PATH': f'{folder}:{os.environ["PATH"]}',
      'LIBRILIGHT': 'unlab-60k',
      'MAESTRO': 'maestro-v3.0.0',
      'OUT': str(folder / 'out'),
  }
  subprocess.run(
      ['bash', str(REPOSITORY / f'launch/{script}.sh')],
      env=environment | settings,
      check=True,
      cwd=folder,
  )
  lines = log.read_text().splitlines()
  log.unlink()
  return [line.removesuffix('\x1f').split('\x1f') for line in lines]


def verbs(found):
  return [words[1] for words in found if words[0] == 'audiolm']


@pytest.mark.parametrize('script', SCRIPTS)
def test_all_parts_are_made_in_order(tmp_path, script):
  assert verbs(commands(tmp_path, script)) == ORDER[script]


@pytest.mark.parametrize('script', SCRIPTS)
def test_every_command_has_flags_that_exist(tmp_path, script):
  for _, verb, *words in commands(tmp_path, script):
    name = f'audiolm_jax.cli.{verb}'
    if verb == 'corpus':
      name = f'audiolm_jax.adapters.{words.pop(0)}'
    module = importlib.import_module(name)
    module.FLAGS.unparse_flags()
    rest = module.FLAGS(gin_flags.rewrite([name, *words]))
    if verb in ('bundle', 'corpus'):
      assert len(rest) > 2
    else:
      assert rest == [name]


@pytest.mark.parametrize('script', SCRIPTS)
def test_a_second_run_passes_over_what_cannot_go_on(tmp_path, script):
  for name in (
      'semantic_tokenizer/bundle.json',
      'corpus/manifest.jsonl',
      'corpus/maestro.jsonl',
  ):
    path = tmp_path / 'out' / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('{}')
  found = commands(tmp_path, script)
  assert 'cluster' not in verbs(found)
  assert 'corpus' not in verbs(found)


def test_files_that_cannot_be_read_do_not_stop_it(tmp_path):
  assert verbs(commands(tmp_path, 'speech', CORPUS_CODE='1'))
  with pytest.raises(subprocess.CalledProcessError):
    commands(tmp_path, 'speech', CORPUS_CODE='2')


def test_another_program_may_train(tmp_path):
  found = commands(tmp_path, 'piano', TRAIN='audiolm train --multiprocess')
  trained = [words for words in found if words[1] == 'train']
  assert all(words[2] == '--multiprocess' for words in trained)
  more = commands(tmp_path, 'piano', RECORDINGS='a b/*.wav')
  assert ['corpus', 'folder', 'a b/*.wav'] in [words[1:4] for words in more]


@pytest.mark.slow
@pytest.mark.parametrize('script', SCRIPTS)
def test_gin_reads_what_they_bind(tmp_path, script):
  for _, verb, *words in commands(tmp_path, script):
    if verb != 'train':
      continue
    gin.clear_config()
    train.FLAGS.unparse_flags()
    train.FLAGS(gin_flags.rewrite(['train', *words]))
    gin_config.parse(train.FLAGS.gin_file, train.FLAGS.gin_bindings, [])
    folder = gin.query_parameter('MODEL_DIR/macro.value')
    assert folder.startswith(str(tmp_path / 'out'))
    # As the paper has it: nothing is left to a smaller layer.
    if 'TOKENS' in train.FLAGS.gin_bindings[0]:
      assert gin.query_parameter('BATCH_SIZE/macro.value') == 256
      assert gin.query_parameter('TRAIN_STEPS/macro.value') == 1_000_000
  gin.clear_config()
