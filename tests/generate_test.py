"""Tests audiolm_jax/generate.py."""

import jax
import numpy as np
import pytest
import tiny

from audiolm_jax import generate
from audiolm_jax.bundle import Bundle
from audiolm_jax.errors import UserError
from audiolm_jax.generate import AudioLM

HOP = 640
SETTINGS = {
    'time': {},
    'deduplicated': {'positions': 'index', 'deduplicate': True},
    'no fine stage': {'num_coarse': 4},
}
# The same in most tests, so that little is compiled.
PROMPT_SECONDS = 0.2
SECONDS = 0.4


def keys(*seeds):
  return jax.vmap(jax.random.key)(np.array(seeds))


@pytest.fixture(params=SETTINGS)
def lm(request):
  return AudioLM(tiny.bundle(**SETTINGS[request.param]))


@pytest.fixture
def prompts():
  return tiny.noise(2, PROMPT_SECONDS)


def tokens_of(waveforms):
  lengths = np.full(len(waveforms), waveforms.shape[1], np.int32)
  tokenizers = tiny.bundle().tokenizers
  return (
      tokenizers.semantic.encode(waveforms, lengths),
      tokenizers.acoustic.encode(waveforms, lengths),
  )


def test_a_continuation_begins_with_the_prompts_own_tokens(lm, prompts):
  result = lm.continuation(prompts, SECONDS, keys(0, 1))
  semantic, acoustic = tokens_of(prompts)
  assert result.waveform.shape == (2, round(0.6 * tiny.RATE))
  assert result.acoustic.shape == (2, 30, 4)
  np.testing.assert_array_equal(result.semantic[:, :5], semantic)
  np.testing.assert_array_equal(result.acoustic[:, :10], acoustic)


def test_a_row_does_not_depend_on_its_batch(lm, prompts):
  together = lm.continuation(prompts, SECONDS, keys(5, 6))
  alone = lm.continuation(prompts[1:], SECONDS, keys(6))
  np.testing.assert_array_equal(alone.semantic[0], together.semantic[1])
  np.testing.assert_array_equal(alone.acoustic[0], together.acoustic[1])


def test_keys_and_nothing_else_make_samples_differ(lm, prompts):
  prompts[1] = prompts[0]
  one = lm.continuation(prompts, SECONDS, keys(1, 2))
  other = lm.continuation(prompts, SECONDS, keys(2, 1))
  np.testing.assert_array_equal(one.acoustic, other.acoustic[::-1])
  new = one.semantic[:, 5:], one.acoustic[:, 10:, 0], one.acoustic[:, 10:, 3]
  for codes in new:
    assert (codes[0] != codes[1]).any()


def test_acoustic_generation_keeps_the_semantic_tokens(lm):
  waveforms = tiny.noise(2, PROMPT_SECONDS + SECONDS)
  result = lm.acoustic_generation(waveforms, keys(0, 1))
  semantic, acoustic = tokens_of(waveforms)
  np.testing.assert_array_equal(result.semantic, semantic)
  assert result.acoustic.shape == acoustic.shape
  assert (result.acoustic != acoustic).any()


def test_unconditional_generation_has_the_length_asked_for(lm):
  result = lm.unconditional(SECONDS, keys(0, 1))
  assert result.waveform.shape == (2, round(SECONDS * tiny.RATE))
  assert (result.acoustic[0] != result.acoustic[1]).any()


@pytest.mark.parametrize('num_samples', [1, HOP - 1, HOP, HOP + 1])
def test_prompts_of_any_length_are_continued(num_samples):
  lm = AudioLM(tiny.bundle())
  prompt = tiny.noise(1, 1.0)[:, :num_samples]
  assert lm.continuation(prompt, 0.08, keys(0)).waveform.shape == (1, 3 * HOP)


def test_silence_is_continued():
  silence = np.zeros((2, round(PROMPT_SECONDS * tiny.RATE)), np.float32)
  result = AudioLM(tiny.bundle()).continuation(silence, SECONDS, keys(0, 1))
  assert np.isfinite(result.waveform).all()


def test_what_is_longer_than_a_crop_goes_on_from_its_end(prompts):
  """Crops are 1 s long; the second one's prompt is the end of the first."""
  lm = AudioLM(tiny.bundle())
  short = lm.continuation(prompts, 0.8, keys(0, 1))
  long = lm.continuation(prompts, 1.2, keys(0, 1))
  assert long.waveform.shape[1] == round(1.4 * tiny.RATE)
  np.testing.assert_array_equal(long.semantic[:, :25], short.semantic)
  np.testing.assert_array_equal(
      long.acoustic[:, :50, :2], short.acoustic[..., :2]
  )
  assert (long.acoustic[0, 50:] != long.acoustic[1, 50:]).any()


@pytest.mark.parametrize('num_done', [0, 1, 9, 10, 11, 25])
@pytest.mark.parametrize('num_units', [1, 10, 11, 40])
def test_windows_cover_what_is_missing_once(num_done, num_units):
  done = num_done
  for start, end in generate._windows(num_done, num_units, crop=10):
    assert start <= done < end <= num_units
    assert end - start <= 10
    assert start == 0 or done - start == 3
    done = end
  assert done == max(num_done, num_units)


def test_stages_that_cannot_follow_each_other_are_refused():
  chains = {
      name: tiny.bundle(**settings).parts for name, settings in SETTINGS.items()
  }
  semantic = chains['deduplicated']['semantic']
  with pytest.raises(UserError, match='deduplicate'):
    AudioLM(Bundle({**chains['time'], 'semantic': semantic}))
  parts = {**chains['time'], 'coarse': chains['no fine stage']['coarse']}
  with pytest.raises(UserError, match='num_coarse'):
    AudioLM(Bundle(parts))


def test_a_missing_stage_is_named():
  parts = dict(tiny.bundle().parts)
  del parts['semantic']
  with pytest.raises(UserError, match='semantic'):
    AudioLM(Bundle(parts))
