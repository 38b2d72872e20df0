"""Tests audiolm_jax/generation/hearing.py."""

import jax
import numpy as np
import pytest
import soundfile
import tiny

from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.errors import UserError
from audiolm_jax.generation import chain
from audiolm_jax.generation.audiolm import AudioLM
from audiolm_jax.generation.hearing import Hearing
from audiolm_jax.lm.train_step import LanguageModelTrainStep
from audiolm_jax.soundstorm.train_step import SoundStormTrainStep
from audiolm_jax.training import optimizers
from audiolm_jax.training.state import TrainState

PARTS = tiny.bundle().parts | {'soundstorm': tiny.soundstorm()}
STEPS = {
    'semantic': LanguageModelTrainStep,
    'coarse': LanguageModelTrainStep,
    'soundstorm': SoundStormTrainStep,
}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  """A bundle, and two recordings beside it."""
  folder = tmp_path_factory.mktemp('hearing')
  Bundle(PARTS).save(folder / 'bundle', 'A test.', float16=())
  for number, waveform in enumerate(tiny.noise(2, 0.4)):
    path = folder / f'{number}.wav'
    soundfile.write(path, waveform, 16000, 'FLOAT')
  return folder


def hearing(folder, prompts='*.wav'):
  return Hearing(
      str(folder / 'bundle'), [str(folder / prompts)], 0.2, seconds=0.4
  )


def learner(name, heard):
  """The train step of a part, as its configuration says."""
  part = PARTS[name]
  return STEPS[name](
      Bundle(PARTS)._module(name),  # noqa: SLF001
      optimizers.adam(1e-2),
      stage_config=part.config['stage'],
      crop_seconds=part.config['crop_seconds'],
      tokenizers=part.config.get('tokenizers', {}),
      hearing=heard,
  )


def state(params, average=None):
  mutables = {} if average is None else {'ema': average}
  return TrainState(np.int32(0), params, (), mutables)


@pytest.mark.parametrize('name', STEPS)
def test_one_hears_the_bundle_with_the_part_that_learns(name, folder):
  found = learner(name, hearing(folder))
  params = PARTS[name].arrays['params']
  heard = found.waveforms(state(params), {})['continuations']
  bundle = Bundle.load(folder / 'bundle')
  kind = 'autoregressive' if name == 'coarse' else 'parallel'
  lm = AudioLM(bundle, chain.CHAINS[kind](bundle, None))
  keys = jax.random.split(jax.random.key(0), 2)
  prompts = list(tiny.noise(2, 0.4)[:, : round(0.2 * lm.sample_rate)])
  wanted = lm.continuation(prompts, 0.4, keys)
  assert heard.sample_rate == lm.sample_rate
  for row, generation in zip(heard.samples, wanted, strict=True):
    np.testing.assert_allclose(
        row[: len(generation.waveform)], generation.waveform, atol=1e-5
    )


def test_one_hears_the_average_where_there_is_one(folder):
  found = learner('soundstorm', hearing(folder))
  params = PARTS['soundstorm'].arrays['params']
  other = jax.tree.map(lambda leaf: -leaf, params)
  sounds = [
      found.waveforms(each, {})['continuations'].samples
      for each in (state(params), state(other, params), state(other))
  ]
  np.testing.assert_array_equal(sounds[0], sounds[1])
  assert not np.array_equal(sounds[0], sounds[2])


def test_what_cannot_be_heard_is_refused_before_it_is_trained(folder):
  with pytest.raises(UserError, match='no recording at .*none.wav'):
    learner('semantic', hearing(folder, 'none.wav'))
  part = PARTS['semantic']
  config = {**part.config, 'tokenizers': {'semantic': '0' * 12}}
  with pytest.raises(UserError, match='learnt the tokens'):
    hearing(folder).check(config)
