"""Tests audiolm_jax/tokens/tokenizers/contract.py."""

import dataclasses

import jax
import numpy as np
import pytest

from audiolm_jax import audio
from audiolm_jax.errors import UserError
from audiolm_jax.tokens.tokenizers import contract
from audiolm_jax.tokens.tokenizers.contract import (
    AcousticTokenizer,
    SemanticTokenizer,
    Tokenizers,
)
from audiolm_jax.tokens.tokenizers.soundstream import soundstream_tokenizer
from tests.tokens import tiny


def encode_alone(tokenizer, waveform):
  padded = audio.pad_to_multiple(waveform, 640)
  lengths = np.array([len(padded)])
  return tokenizer.encode(padded[None], lengths)[0]


def test_fewer_levels_decode_to_the_same_length():
  tokenizer = tiny.soundstream()
  codes = encode_alone(tokenizer, tiny.noise(0.6, seed=0))[None]
  assert tokenizer.decode(codes).shape == (1, 30 * 320)
  coarse = tokenizer.decode(codes[..., :1])
  assert coarse.shape == (1, 30 * 320)
  assert not np.allclose(coarse, tokenizer.decode(codes))


def test_decoding_does_not_depend_on_what_follows():
  tokenizer = tiny.soundstream()
  codes = encode_alone(tokenizer, tiny.noise(0.6, seed=0))[None]
  whole, part = tokenizer.decode(codes), tokenizer.decode(codes[:, :13])
  np.testing.assert_allclose(whole[:, : 13 * 320], part, atol=1e-6)


def test_two_semantic_frames_are_as_long_as_their_acoustic_ones():
  waveform = tiny.noise(0.51, seed=0)
  tokens = contract.tokenize(waveform, tiny.w2v_bert(), tiny.soundstream())
  assert tokens.semantic.shape == (13,)
  assert tokens.acoustic.shape == (26, 3)
  assert tokens.codes['semantic'].shape == (13, 1)


def test_sizes_come_from_the_tokenizers():
  sizes = tiny.tokenizers().sizes
  assert sizes == (16, 25.0, 8, 50.0, 3)


def test_they_keep_the_contract():
  assert isinstance(tiny.w2v_bert(), SemanticTokenizer)
  assert isinstance(tiny.soundstream(), AcousticTokenizer)


def test_a_fingerprint_follows_all_that_makes_the_tokens():
  tokenizer = tiny.soundstream()
  params, codebooks = tokenizer._weights
  model = tiny.CODEC

  def fingerprint(model, params, codebooks):
    return soundstream_tokenizer(model, params, codebooks).fingerprint

  first = fingerprint(model, params, codebooks)
  as_jax = jax.tree.map(jax.numpy.asarray, params)
  assert fingerprint(model, as_jax, codebooks) == first
  assert len(first) == 12
  decoder = jax.tree.map(lambda leaf: leaf + 1e-3, params['decoder'])
  assert fingerprint(model, params | {'decoder': decoder}, codebooks) == first
  encoder = jax.tree.map(lambda leaf: leaf + 1e-3, params['encoder'])
  changed = params | {'encoder': encoder}
  slower = dataclasses.replace(model, sample_rate=8000)
  others = {
      fingerprint(model, changed, codebooks),
      fingerprint(model, params, codebooks * 2),
      fingerprint(slower, params, codebooks),
  }
  assert len(others | {first}) == 4


def test_different_sample_rates_are_refused_with_both_names():
  tokenizer = tiny.soundstream()
  slower = soundstream_tokenizer(
      dataclasses.replace(tiny.CODEC, sample_rate=8000), *tokenizer._weights
  )
  pair = Tokenizers(tiny.w2v_bert(), slower)
  with pytest.raises(UserError) as error:
    _ = pair.sample_rate
  assert slower.fingerprint in str(error.value)
  assert pair.semantic.fingerprint in str(error.value)
