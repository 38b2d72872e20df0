"""Tests audiolm_jax/generation/chain.py: codes that follow from codes alone."""

import functools

import jax
import numpy as np
import pytest
import tiny

from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.errors import UserError
from audiolm_jax.generation import chain
from audiolm_jax.generation.audiolm import AudioLM
from audiolm_jax.generation.chain import Samplings
from audiolm_jax.lm.sampling.methods import Sampling
from audiolm_jax.tokens import stages

# A crop of the tiny models is 1 s, and a step 0.72 s.
SECONDS = 1.2


def keys(*seeds):
  return jax.vmap(jax.random.key)(np.array(seeds))


@functools.cache
def bundle(num_coarse=2, num_levels=2):
  stage = stages.acoustic_only(tiny.SIZES, num_levels, 'time')
  others = tiny.bundle(num_coarse).parts
  kept = {'acoustic_tokenizer', 'semantic_tokenizer', 'fine'} & others.keys()
  return Bundle(
      {name: others[name] for name in kept}
      | {stage.name: tiny.language_model(stage)}
  )


@pytest.fixture(name='lm', scope='module')
def fixture_lm():
  # Cold enough that an untrained model heeds what it hears.
  samplings = Samplings(coarse=Sampling(0.1))
  return AudioLM(bundle(), chain.acoustic_only(bundle(), samplings))


@pytest.fixture(name='prompts', scope='module')
def fixture_prompts():
  long = tiny.noise(1, 0.6)[0]
  return [long[-3200:], 0.5 * long[:3200], long[:0]]


@pytest.fixture(name='results', scope='module')
def fixture_results(lm, prompts):
  return lm.continuation(prompts, SECONDS, keys(0, 0, 1))


def test_codes_go_on_and_semantic_tokens_do_not(prompts, results):
  known = bundle().tokenizers.encode(prompts[:2])
  for before, result in zip(known, results, strict=False):
    np.testing.assert_array_equal(result.tokens.semantic, before.semantic)
    np.testing.assert_array_equal(result.tokens.acoustic[:10], before.acoustic)
    # What is new is sampled: no level is left as it was before.
    assert (result.tokens.acoustic[10:].std(axis=0) > 0).all()
    assert result.tokens.acoustic.shape == (70, 4)


def test_a_sample_depends_on_its_prompt_and_key_alone(lm, prompts, results):
  one, other, nothing = (result.tokens.acoustic[-60:] for result in results)
  assert (one != other).any() and (one != nothing).any()
  chunks = list(lm.stream(prompts[:1], SECONDS, keys(0)))
  new = results[0].waveform[results[0].prompt_samples :]
  np.testing.assert_allclose(
      np.concatenate([chunk for (chunk,) in chunks]), new, atol=1e-5
  )


def test_without_a_fine_stage_it_makes_all_levels():
  whole = bundle(num_coarse=4, num_levels=4)
  lm = AudioLM(whole, chain.acoustic_only(whole))
  (result,) = lm.unconditional(0.4, keys(0))
  assert result.tokens.acoustic.shape == (20, 4)


def test_a_recording_may_end_by_itself():
  samplings = Samplings(coarse=Sampling(5.0))
  models = chain.acoustic_only(bundle(), samplings, may_end=True)
  lm = AudioLM(bundle(), models)
  results = lm.unconditional(0.4, keys(*range(8)))
  assert len({len(result.waveform) for result in results}) > 1


def test_nothing_can_be_given_it_to_say(lm):
  with pytest.raises(UserError, match='semantic stage'):
    lm.acoustic_generation(list(tiny.noise(1, 0.2)), keys(0))


def test_a_fine_stage_of_other_levels_is_refused():
  unfit = bundle(num_coarse=2, num_levels=3)
  with pytest.raises(UserError, match='acoustic_only stage makes 3'):
    chain.acoustic_only(unfit)


def test_a_bundle_without_the_part_says_so():
  with pytest.raises(UserError, match='has no part acoustic_only'):
    chain.acoustic_only(tiny.bundle())
