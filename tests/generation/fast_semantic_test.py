"""Tests of chains whose semantic tokens are faster than acoustic frames."""

import jax
import numpy as np
import pytest
import tiny

from audiolm_jax.generation import chain
from audiolm_jax.generation.audiolm import AudioLM

# Of the tiny models a crop is 1 s, and a step 0.72 s.
PROMPT_SECONDS, SECONDS = 0.2, 0.4


@pytest.fixture(scope='module', params=['autoregressive', 'parallel'])
def lm(request):
  bundle = tiny.fast_semantic_bundle()
  return AudioLM(bundle, getattr(chain, request.param)(bundle))


@pytest.fixture
def prompts():
  return list(tiny.noise(2, PROMPT_SECONDS))


def keys(*seeds):
  return jax.vmap(jax.random.key)(np.array(seeds))


def test_a_continuation_has_two_semantic_tokens_a_frame(lm, prompts):
  tokenizers = tiny.fast_semantic_bundle().tokenizers
  results = lm.continuation(prompts, SECONDS, keys(0, 1))
  for prompt, result in zip(prompts, results, strict=True):
    assert result.tokens.acoustic.shape == (15, 4)
    assert result.tokens.semantic.shape == (30,)
    assert result.waveform.shape == (round(0.6 * tiny.RATE),)
    (heard,) = tokenizers.encode([prompt])
    np.testing.assert_array_equal(result.tokens.semantic[:10], heard.semantic)
    np.testing.assert_array_equal(result.tokens.acoustic[:5], heard.acoustic)


def test_a_row_does_not_depend_on_its_batch(lm, prompts):
  together = lm.continuation(prompts, SECONDS, keys(0, 1))
  (alone,) = lm.continuation(prompts[1:], SECONDS, keys(1))
  np.testing.assert_array_equal(
      alone.tokens.semantic, together[1].tokens.semantic
  )
  np.testing.assert_array_equal(
      alone.tokens.acoustic, together[1].tokens.acoustic
  )


def test_more_goes_on_where_less_stopped(lm, prompts):
  """What is longer than a crop is made in steps: the first ones are equal."""
  short = lm.continuation(prompts, 0.72, keys(0, 1))
  long = lm.continuation(prompts, 1.2, keys(0, 1))
  for one, other in zip(short, long, strict=True):
    assert len(other.tokens.acoustic) == len(one.tokens.acoustic) + 12
    for kind in ('semantic', 'acoustic'):
      before, after = (getattr(each.tokens, kind) for each in (one, other))
      np.testing.assert_array_equal(after[: len(before)], before)
