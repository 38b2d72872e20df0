"""Tests `audiolm_jax/evaluation/subjects/likelihoods.py`."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audiolm_jax import audio
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.evaluation.subjects import likelihoods
from audiolm_jax.tokens.fields import SEMANTIC
from tests import tiny


@pytest.fixture(scope='module')
def found():
  return tiny.bundle().language_model('semantic')


def clip(length: int, seed: int = 0):
  random = np.random.default_rng(seed)
  return {SEMANTIC: random.integers(0, 8, (length, 1)).astype(np.int32)}


def by_hand(found, codes) -> float:
  """The sum of log softmaxes of the clip alone, without padding."""
  ids = found.stage.target.flatten(codes[SEMANTIC])
  inputs = jnp.append(0, ids[:-1])[None]
  logits = jax.jit(found.model.apply)(
      {'params': jax.tree.map(jnp.asarray, found.params)},
      inputs,
      jnp.arange(len(ids)),
      jnp.ones_like(inputs),
  )
  logits = np.asarray(logits[0], np.float64)
  logits -= logits.max(axis=1, keepdims=True)
  logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
  return logs[np.arange(len(ids)), ids].sum()


def test_scores_are_those_of_each_clip_alone_and_in_order(found):
  clips = [clip(length, length) for length in (70, 9)]
  scores = likelihoods.of_clips(found, clips)
  assert [score.length for score in scores] == [70, 9]
  expected = [by_hand(found, codes) for codes in clips]
  np.testing.assert_allclose([s.nats for s in scores], expected, rtol=1e-4)


def test_more_tokens_are_never_likelier(found):
  codes = clip(30)
  shorter = {SEMANTIC: codes[SEMANTIC][:20]}
  longer, short = likelihoods.of_clips(found, [codes, shorter])
  assert longer.nats < short.nats < 0


def test_repeated_tokens_count_once_where_the_stage_drops_them(found):
  target = dataclasses.replace(found.stage.target, deduplicate=True)
  stage = dataclasses.replace(found.stage, target=target, positions='index')
  dropping = dataclasses.replace(found, stage=stage)
  codes = {SEMANTIC: np.array([[3], [3], [3], [5], [5], [3]], np.int32)}
  once = {SEMANTIC: np.array([[3], [5], [3]], np.int32)}
  first, second = likelihoods.of_clips(dropping, [codes, once])
  assert first == second and first.length == 3


def test_a_clip_without_tokens_has_none(found):
  assert likelihoods.of_clips(found, [clip(0)]) == [(0.0, 0)]


def test_speech_is_likelier_than_its_tokens_shuffled():
  """The bundled model on a real recording."""
  bundle = Bundle.load('speech')
  waveform = audio.read('data/prompts/speech_italian.flac', 16000, seconds=3.0)
  ids = bundle.semantic.encode(waveform[None], np.array([len(waveform)]))[0]
  order = jax.random.permutation(jax.random.key(0), len(ids))
  clips = [{SEMANTIC: ids[:, None]}, {SEMANTIC: ids[np.array(order), None]}]
  real, shuffled = likelihoods.of_clips(
      bundle.language_model('semantic'), clips
  )
  assert real.nats > shuffled.nats + len(ids)
