"""Tests audiolm_jax/cli/finetune.py."""

import json
import math

import gin
import numpy as np
import pytest
import runs
import tiny

from audiolm_jax.bundle import folder as bundle_folder
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.cli import finetune as verb
from audiolm_jax.cli import gin_config, gin_flags
from audiolm_jax.cli.actions import finetune, learning
from audiolm_jax.errors import UserError
from audiolm_jax.tokens.store import store
from audiolm_jax.training.checkpoints import best
from tests.tokens import random_store

SHIPPED = [
    (model, part)
    for model in ('speech', 'piano')
    for part, config in bundle_folder.configs_of(model).items()
    if config['kind'] in ('language_model', 'soundstorm')
]


def run(*flags):
  verb.FLAGS.unparse_flags()
  return verb.main(verb.FLAGS(['finetune', *map(str, flags)]))


@pytest.fixture
def clear_gin():
  gin.clear_config()
  yield
  gin.clear_config()


def write_description(folder, model):
  """The description of a store of a shipped bundle's tokens."""
  hops = {'semantic': {'speech': 320, 'piano': 640}[model], 'acoustic': 640}
  configs = bundle_folder.configs_of(model)
  semantic, acoustic = (
      field
      for part in (configs['soundstorm']['stage'],)
      for field in (*part['prefix'], part['target'])
  )
  tokenizers = {
      field['source']: {
          'fingerprint': 'aaaaaaaaaaaa',
          'hop_length': hops[field['source']],
          'codebook_size': field['codebook_size'],
      }
      for field in (semantic, acoustic)
  }
  codec = configs['acoustic_tokenizer']['num_quantizers']
  tokenizers['acoustic']['num_quantizers'] = codec
  metadata = random_store.metadata({'train': [4], 'dev': [4]})
  store.write_metadata(str(folder), metadata._replace(tokenizers=tokenizers))


@pytest.mark.parametrize('model, part', SHIPPED)
def test_what_learns_on_is_the_network_that_is_there(
    model, part, tmp_path, clear_gin
):
  write_description(tmp_path, model)
  config = bundle_folder.configs_of(model)[part]
  settings = learning.Settings(model, str(tmp_path), 'run', 50, 2, 1e-4)
  files, bindings = [], []
  for flag in gin_flags.rewrite(learning.arguments(part, config, settings)):
    name, _, value = flag.partition('=')
    {'--gin_file': files, '--gin_bindings': bindings}[name].append(value)
  gin_config.parse(files, bindings, ['.'])
  arguments = gin_config.bound_arguments()
  of_run = json.loads(json.dumps(arguments['train_step'].model_config()))
  notes = {'tokenizers', 'temperature'}
  assert {**config, **dict.fromkeys(notes)} == {
      **of_run,
      **dict.fromkeys(notes),
  }
  assert arguments['num_steps'] == 50
  assert arguments['keep_best'] == 1


@pytest.mark.parametrize(
    'flags, message',
    [
        ((), '--input'),
        (('--input=a',), '--output_dir'),
        (('--parts=codec', '--input=a', '--output_dir=b'), 'parts that learn'),
        (('--parts=fine', '--model=piano', '--input=a'), 'has no fine'),
        (('--model=detector', '--input=a'), 'has no acoustic_tokenizer'),
    ],
)
def test_mistakes_are_told_before_anything_is_done(
    flags, message, tmp_path, monkeypatch
):
  monkeypatch.chdir(tmp_path)
  wanted = '--output_dir' not in message and not any(
      flag.startswith('--output_dir') for flag in flags
  )
  with pytest.raises(UserError, match=message):
    run(*flags, *(['--output_dir=out'] if wanted and flags else []))
  assert not (tmp_path / 'out/training').exists()


def test_a_command_that_fails_is_the_last_one(tmp_path, monkeypatch, capfd):
  monkeypatch.chdir(tmp_path)
  code = run('--model=piano', '--input=nowhere', '--output_dir=out')
  assert code == 2
  told = capfd.readouterr()
  assert told.out.startswith('$ audiolm corpus folder nowhere out/training')
  assert told.out.count('$ audiolm') == 1
  assert 'no audio files there' in told.err


def test_without_a_soundstorm_the_stages_learn():
  stages = ['semantic', 'coarse', 'fine']
  tokenizers = ['acoustic_tokenizer', 'semantic_tokenizer']
  assert finetune._names([*tokenizers, *stages], None, 'm') == stages
  assert finetune._names([*tokenizers, *stages, 'soundstorm'], None, 'm') == [
      'semantic',
      'soundstorm',
  ]


def test_parts_take_as_much_room_as_they_did(tmp_path, monkeypatch):
  tiny.fast_semantic_bundle().save(tmp_path / 'base', '')
  asked = []
  monkeypatch.setattr(finetune, '_run', lambda *argv: asked.extend(argv))
  for model in ('speech', str(tmp_path / 'base')):
    names = ['semantic', 'soundstorm']
    finetune._bundle([], names, [], model, tmp_path / 'mine')
  sizes = [flag for flag in asked if flag.startswith('--int8')]
  # All of `speech` is stored as integers, nothing of the other.
  assert sizes == ['--int8=semantic,soundstorm']


@pytest.mark.slow
def test_a_bundle_learns_on_from_a_folder(tmp_path, capfd, monkeypatch):
  # Its commands compile for longer than they compute.
  monkeypatch.setenv('JAX_DISABLE_MOST_OPTIMIZATIONS', '1')
  tiny.fast_semantic_bundle().save(tmp_path / 'base', CARD)
  runs.write_corpus(tmp_path / 'clips', 12)
  flags = (
      f'--model={tmp_path}/base',
      f'--input={tmp_path}/clips/*.wav',
      f'--output_dir={tmp_path}/mine',
      '--licence=CC0-1.0',
      '--parts=semantic',
      '--steps=20',
      '--batch_size=2',
      '--learning_rate=0.03',
  )
  assert run(*flags) == 0
  commands = [
      line
      for line in capfd.readouterr().out.splitlines()
      if line.startswith('$ audiolm ')
  ]
  verbs = [command.split()[2] for command in commands]
  assert verbs == ['corpus', 'extract', 'train', 'bundle']
  before, after = Bundle.load(tmp_path / 'base'), Bundle.load(tmp_path / 'mine')
  assert set(after.parts) == set(before.parts)
  for kind in ('semantic', 'acoustic'):
    one, other = (getattr(each, kind) for each in (before, after))
    assert one.fingerprint == other.fingerprint
  moved = {
      name: math.hypot(*changes(before.parts[name], after.parts[name]))
      for name in before.parts
  }
  assert {name for name in moved if moved[name] > 0} == {'semantic'}
  step, loss = best.checkpoint(tmp_path / 'mine/training/semantic', 'loss')
  assert f'semantic/checkpoints/{step} ' in commands[-1]
  assert loss < math.log(tiny.SIZES.semantic_codebook_size)
  card = (tmp_path / 'mine/MODEL_CARD.md').read_text()
  assert '| folder | CC0-1.0 |' in card
  assert '| larks | CC-BY-4.0 A. Lark |' in card
  # Once more: all is done, and stays as it is.
  digest = (tmp_path / 'mine/semantic.safetensors').read_bytes()
  assert run(*flags) == 0
  assert (tmp_path / 'mine/semantic.safetensors').read_bytes() == digest


CARD = """# base

## What it heard

| source | licence | clips | hours |
| --- | --- | --- | --- |
| larks | CC-BY-4.0 A. Lark | 3 | 0.10 |

## Limits

None.
"""


def changes(before, after):
  import jax

  return [
      float(np.abs(a - b).max())
      for a, b in zip(
          jax.tree.leaves(before.arrays),
          jax.tree.leaves(after.arrays),
          strict=True,
      )
  ]
