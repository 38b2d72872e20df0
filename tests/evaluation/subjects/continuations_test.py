"""Tests audiolm_jax/evaluation/subjects/continuations.py."""

import numpy as np
import pytest
import tiny

from audiolm_jax import audio
from audiolm_jax.corpus import Clip
from audiolm_jax.errors import UserError
from audiolm_jax.evaluation.subjects import continuations
from audiolm_jax.generation.audiolm import AudioLM

HOP = 640


@pytest.fixture(scope='module')
def found(tmp_path_factory) -> list[Clip]:
  """Three clips of speaker a, one of b, and one that is too short."""
  folder = tmp_path_factory.mktemp('clips')
  clips = []
  for i, (speaker, seconds) in enumerate(
      [('a', 2.0), ('a', 2.5), ('a', 2.0), ('b', 3.0), ('c', 1.0)]
  ):
    path = folder / f'{i}.wav'
    audio.write(path, tiny.noise(5, 3.0)[i][: int(seconds * tiny.RATE)], 16000)
    clips.append(Clip(str(path), seconds, 'test', 'x', 'CC0', speaker))
  return clips


def test_speakers_take_turns_and_short_clips_are_left_out(found):
  chosen = continuations.choose(found, 1.0, 3)
  assert [clip.speaker for clip in chosen] == ['a', 'b', 'a']
  assert len(continuations.choose(found, 1.0, 99)) == 4
  with pytest.raises(UserError, match='prompt_seconds'):
    continuations.choose(found, 5.0, 1)


def test_an_excerpt_is_its_recording_and_the_codecs_part_lies_beside(found):
  bundle = tiny.bundle()
  for clip, excerpt in zip(
      found[:4], continuations.cut(bundle, found[:4], 1.02, 1.5), strict=True
  ):
    whole = audio.read(clip.path, tiny.RATE, seconds=2.52)
    again = np.concatenate([excerpt.prompt, excerpt.rest])
    np.testing.assert_array_equal(again, whole)
    assert len(excerpt.prompt) == 25 * HOP
    assert excerpt.codec.shape == excerpt.rest.shape
    assert not np.allclose(excerpt.codec, excerpt.rest)


@pytest.fixture(scope='module')
def made():
  bundle, prompts = tiny.bundle(), list(tiny.noise(3, 0.4))
  lm = AudioLM(bundle)
  return lambda batch_size, seed=0: continuations.make(
      lm, bundle.tokenizers, prompts, 0.4, 2, batch_size, seed
  )


def test_a_continuation_is_what_follows_the_prompt(made):
  rows = made(4)
  assert [len(samples) for samples in rows] == [2, 2, 2]
  for each in sum(rows, []):
    assert len(each.waveform) == 10 * HOP and each.seconds > 0
    assert len(each.semantic) == 10 and each.acoustic.shape == (20, 4)
  first = [each.is_first for each in sum(rows, [])]
  assert first == [True] * 4 + [False] * 2


def test_batches_do_not_matter_and_the_seed_does(made):
  def tokens(rows):
    return np.stack([each.acoustic for each in sum(rows, [])])

  reference = tokens(made(6))
  np.testing.assert_array_equal(reference, tokens(made(4)))
  assert (reference[0] != reference[1]).any()
  assert (reference != tokens(made(6, seed=1))).any()
