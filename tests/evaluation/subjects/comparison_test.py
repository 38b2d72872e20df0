"""Tests audiolm_jax/evaluation/subjects/comparison.py."""

import numpy as np
import pytest
import tiny

from audiolm_jax import audio
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.corpus import Clip
from audiolm_jax.evaluation.subjects import comparison
from audiolm_jax.evaluation.subjects.comparison import (
    AUTOREGRESSIVE,
    PARALLEL,
    Asked,
)

ASKED = Asked(2, 1, 0.4, 0.4, 4, 0)


def clips(folder):
  found = []
  for i, waveform in enumerate(tiny.noise(2, 2.0)):
    audio.write(folder / f'{i}.wav', waveform, tiny.RATE)
    path = str(folder / f'{i}.wav')
    found.append(Clip(path, 2.0, 'test', 'noise', 'CC0-1.0', f'speaker {i}'))
  return found


@pytest.mark.parametrize('left_out', ['coarse', 'soundstorm'])
def test_a_bundle_with_one_way_to_the_sound_is_compared_by_it(left_out):
  parts = tiny.bundle().parts | {'soundstorm': tiny.soundstorm()}
  bundle = Bundle({k: v for k, v in parts.items() if k != left_out})
  lms = comparison.models(bundle, None)
  assert list(lms) == [comparison.foremost(lms)]


def test_every_model_goes_on_from_every_prompt(tmp_path):
  bundle = tiny.bundle()
  parts = bundle.parts | {'soundstorm': tiny.soundstorm()}
  lms = comparison.models(Bundle(parts), None)
  assert list(lms) == [AUTOREGRESSIVE, PARALLEL]
  found = comparison.compare(bundle, lms, clips(tmp_path), ASKED)
  assert found.groups == ['speaker 0', 'speaker 1']
  for name in lms:
    assert [len(x) for x in found.first(name)] == [6400, 6400]
    assert [each[0].group for each in found.all(name)] == found.groups


def test_the_tokens_of_what_follows_are_heard_behind_the_prompt(tmp_path):
  bundle = tiny.bundle()
  found = comparison.compare(bundle, {}, clips(tmp_path), ASKED)
  for excerpt, tokens in zip(
      found.excerpts, comparison.tokens_of_rest(bundle, found), strict=True
  ):
    whole = np.concatenate([excerpt.prompt, excerpt.rest])
    (heard,) = bundle.tokenizers.encode([whole])
    np.testing.assert_array_equal(tokens.semantic, heard.semantic[10:])
    np.testing.assert_array_equal(tokens.acoustic, heard.acoustic[20:])


def test_regenerating_depends_on_the_seed_and_not_on_the_batch():
  lm = comparison.models(tiny.bundle(), None)[AUTOREGRESSIVE]
  waveforms = list(tiny.noise(3, 0.4))
  reference = np.stack(comparison.regenerate(lm, waveforms, 3, 0))
  again = np.stack(comparison.regenerate(lm, waveforms, 2, 0))
  np.testing.assert_allclose(reference, again, atol=1e-5)
  other = np.stack(comparison.regenerate(lm, waveforms, 3, 1))
  assert not np.allclose(reference, other)
