"""Tests audiolm_jax/cli/bundle.py."""

import numpy as np
import pytest
import runs
import tiny

from audiolm_jax.bundle import folder as bundle_folder
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.cli import bundle as verb
from audiolm_jax.errors import UserError
from audiolm_jax.generation import chain
from audiolm_jax.tokens import stages


def run(*flags):
  verb.FLAGS.unparse_flags()
  verb.main(verb.FLAGS(['bundle', *map(str, flags)]))


@pytest.fixture
def tokenizers(tmp_path):
  """Made of a run and of what audiolm cluster writes."""
  clustered = Bundle({'semantic_tokenizer': tiny.w2v_bert()})
  clustered.save(tmp_path / 'clustered', '')
  codec = runs.save(tmp_path / 'codec', tiny.soundstream())
  run(tmp_path / 'clustered', codec, f'--output_dir={tmp_path}/tokenizers')
  return tmp_path / 'tokenizers'


def test_runs_and_bundles_become_one_bundle(tokenizers, tmp_path):
  trained = tiny.language_model(stages.semantic(tiny.SIZES))
  trained.config['tokenizers'] = {
      'semantic': Bundle.load(tokenizers).semantic.fingerprint
  }
  semantic = runs.save(tmp_path / 'semantic', trained)
  soundstorm = runs.save(tmp_path / 'soundstorm', tiny.soundstorm())
  manifest = runs.write_corpus(tmp_path / 'corpus')
  (tmp_path / 'notes.md').write_text('Made by hand.')
  run(
      tokenizers,
      semantic,
      soundstorm,
      f'--output_dir={tmp_path}/model',
      f'--manifest={manifest}',
      f'--notes={tmp_path}/notes.md',
  )
  bundle = Bundle.load(tmp_path / 'model')
  assert set(bundle.parts) == {
      'acoustic_tokenizer',
      'semantic_tokenizer',
      'semantic',
      'soundstorm',
  }
  assert bundle.acoustic.fingerprint == tiny.bundle().acoustic.fingerprint
  card = (tmp_path / 'model/MODEL_CARD.md').read_text()
  assert '| soundstorm |' in card
  assert '| noise | CC0-1.0 | 3 |' in card
  assert card.endswith('Made by hand.\n')


def test_a_classifier_is_a_bundle_of_its_own(tmp_path):
  trained = tiny.classifier()
  folder = runs.save(tmp_path / 'run', trained)
  run(folder, f'--output_dir={tmp_path}/detector')
  card = (tmp_path / 'detector/MODEL_CARD.md').read_text()
  assert 'audiolm detect --model' in card and 'no proof' in card
  assert 'continues any voice' not in card
  found = bundle_folder.weights(tmp_path / 'detector', 'classifier')
  kernel = trained.arrays['params']['out']['kernel']
  np.testing.assert_allclose(
      found['params']['out']['kernel'], kernel, atol=1e-3
  )
  assert found['mutables'].keys() == {'batch_stats'}
  assert found['config']['labels'] == ['original', 'generated']


def test_language_models_of_other_tokenizers_are_refused(tokenizers, tmp_path):
  trained = tiny.language_model(stages.semantic(tiny.SIZES))
  trained.config['tokenizers'] = {'semantic': '0123456789ab'}
  semantic = runs.save(tmp_path / 'semantic', trained)
  with pytest.raises(UserError, match='0123456789ab'):
    run(tokenizers, semantic, f'--output_dir={tmp_path}/model')
  assert not (tmp_path / 'model/bundle.json').exists()


def test_the_same_part_twice_is_refused(tokenizers, tmp_path):
  with pytest.raises(UserError, match='codec and .*tokenizers are both'):
    run(tmp_path / 'codec', tokenizers, f'--output_dir={tmp_path}/model')


@pytest.mark.parametrize('flags', [(), ('x',), ('--output_dir=out',)])
def test_what_is_missing_is_asked_for(flags, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  with pytest.raises(UserError, match='--output_dir'):
    run(*flags)


def test_a_folder_that_holds_no_part_is_named(tmp_path):
  with pytest.raises(UserError, match='nowhere'):
    run(tmp_path / 'nowhere', f'--output_dir={tmp_path}/model')


def test_a_bundle_says_at_which_temperatures_it_is_sampled(tmp_path):
  soundstorm = runs.save(tmp_path / 'soundstorm', tiny.soundstorm())
  folder = tmp_path / 'model'
  run(soundstorm, f'--output_dir={folder}', '--temperatures=soundstorm=0.25')
  bundle = Bundle.load(folder)
  assert bundle.temperatures == {'soundstorm': 0.25}
  assert chain.recommended(bundle) == chain.AUDIOLM._replace(
      soundstorm=chain.Sampling(0.25)
  )
  assert (
      bundle.soundstorm
  )  # Builds the network: the temperature is no field of it.
  run(folder, f'--output_dir={tmp_path}/again')
  assert Bundle.load(tmp_path / 'again').temperatures == {'soundstorm': 0.25}


@pytest.mark.parametrize(
    'text, message',
    [
        ('soundstorm=warm', 'give part=number'),
        ('soundstorm', 'give part=number'),
        ('soundstorm=-1', 'may be 0 or more'),
        ('fine=0.5', 'fine is none of soundstorm'),
        ('classifier=0.5', 'classifier is none of soundstorm'),
    ],
)
def test_temperatures_that_make_no_sense_are_refused(tmp_path, text, message):
  soundstorm = runs.save(tmp_path / 'soundstorm', tiny.soundstorm())
  with pytest.raises(UserError, match=message):
    run(soundstorm, f'--output_dir={tmp_path}/m', f'--temperatures={text}')


def test_one_part_is_replaced_and_the_others_stay_as_they_were(tmp_path):
  base = tmp_path / 'base'
  whole = tiny.fast_semantic_bundle()
  soundstorm = whole.parts['soundstorm']
  warm = soundstorm._replace(config=soundstorm.config | {'temperature': 0.5})
  heard = '## What it heard\n\n| larks | CC-BY-4.0 A. Lark |\n\n## Limits\n'
  Bundle({**whole.parts, 'soundstorm': warm}).save(
      base, heard, float16=['coarse'], int8=['semantic']
  )
  other = tiny.soundstorm(seed=1, sizes=tiny.FAST_SEMANTIC)
  new = runs.save(tmp_path / 'soundstorm', other)
  run(new, f'--base={base}', f'--output_dir={tmp_path}/model')
  for name in set(whole.parts) - {'soundstorm'}:
    file = f'{name}.safetensors'
    assert (tmp_path / 'model' / file).read_bytes() == (
        base / file
    ).read_bytes()
  replaced = Bundle.load(tmp_path / 'model')
  kernel = replaced.parts['soundstorm'].arrays['params']['semantic']
  np.testing.assert_allclose(
      kernel, other.arrays['params']['semantic'], atol=1e-3
  )
  # The one before was best sampled so; the new one does not say.
  assert replaced.temperatures == {'soundstorm': 0.5}
  card = (tmp_path / 'model/MODEL_CARD.md').read_text()
  assert '| larks | CC-BY-4.0 A. Lark |' in card
  assert 'do not pass this model on' in card


def test_shipped_bundles_are_known_by_name(tmp_path):
  run('detector', f'--output_dir={tmp_path}/model')
  assert set(Bundle.load(tmp_path / 'model').parts) == {'classifier'}
