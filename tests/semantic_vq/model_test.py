"""Tests audiolm_jax/semantic_vq/{model,hearing,speaking}.py."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audiolm_jax.semantic_vq import speaking
from audiolm_jax.tokens.tokenizers.codes import CodeTokenizer
from audiolm_jax.tokens.tokenizers.contract import SemanticTokenizer
from tests.semantic_vq import tiny
from tests.semantic_vq.tiny import HOP


@pytest.fixture(name='tokenizer', scope='module')
def fixture_tokenizer():
  return CodeTokenizer(tiny.MODEL, tiny.params(), tiny.codebooks())


def ids_of(tokenizer, clips):
  """Each clip's ids, all in one batch."""
  lengths = np.array([len(clip) for clip in clips])
  width = -(-lengths.max() // HOP) * HOP
  waveform = np.stack([np.pad(clip, (0, width - len(clip))) for clip in clips])
  found = tokenizer.encode(waveform, lengths)
  return [
      row[: -(-length // HOP)]
      for row, length in zip(found, lengths, strict=True)
  ]


def test_it_keeps_the_contract_of_semantic_tokenizers(tokenizer):
  assert isinstance(tokenizer, SemanticTokenizer)
  (ids,) = ids_of(tokenizer, tiny.tunes(1, 50))
  assert ids.shape == (50,) and len(set(ids.tolist())) > 3


def test_a_clips_ids_are_the_same_alone_padded_and_in_company(tokenizer):
  short, long = tiny.tunes(1, 37)[0], tiny.tunes(1, 90, seed=1)[0]
  (alone,) = ids_of(tokenizer, [short])
  together = ids_of(tokenizer, [long, short])
  np.testing.assert_array_equal(together[1], alone)
  padded = np.concatenate([short, np.zeros(40 * HOP, np.float32)])
  found = tokenizer.encode(padded[None], np.array([len(short)]))[0]
  np.testing.assert_array_equal(found[:37], alone)
  assert not found[37:].any()


def test_what_lies_behind_a_clips_end_is_not_heard(tokenizer):
  clip = tiny.tunes(1, 60)
  lengths = np.array([41 * HOP])
  silent = clip.copy()
  silent[:, 41 * HOP :] = 0
  one, two = (tokenizer.encode(each, lengths) for each in (clip, silent))
  np.testing.assert_array_equal(one, two)


def test_loudness_changes_no_id(tokenizer):
  clip = tiny.tunes(1, 60)[0]
  found = [ids_of(tokenizer, [gain * clip])[0] for gain in (1.0, 0.02, 3.0)]
  np.testing.assert_array_equal(found[0], found[1])
  np.testing.assert_array_equal(found[0], found[2])


def test_silence_has_ids_too(tokenizer):
  (ids,) = ids_of(tokenizer, np.zeros((1, 20 * HOP), np.float32))
  assert ids.shape == (20,)


def test_long_clips_are_encoded_in_windows(tokenizer):
  clip = tiny.tunes(1, 1800)[0]
  (ids,) = ids_of(tokenizer, [clip])
  assert ids.shape == (1800,)
  (first,) = ids_of(tokenizer, [clip[: 1500 * HOP]])
  kept = 1500 - tiny.MODEL.receptive_frames
  np.testing.assert_array_equal(ids[:kept], first[:kept])


def test_only_what_makes_the_ids_changes_the_fingerprint(tokenizer):
  params, books = tiny.params(), tiny.codebooks()
  without = {name: params[name] for name in ('encoder', 'latent')}
  deeper = tiny.MODEL.clone(decoder_layers=5)
  same = CodeTokenizer(deeper, without, books)
  assert same.fingerprint == tokenizer.fingerprint
  moved = jax.tree.map(lambda leaf: leaf * 1.001, params)
  other = CodeTokenizer(tiny.MODEL, moved, books)
  assert other.fingerprint != tokenizer.fingerprint
  other = CodeTokenizer(tiny.MODEL, params, books + 0.001)
  assert other.fingerprint != tokenizer.fingerprint
  assert other.centroids.shape == (8, 8)


def test_each_half_is_told_the_voice_of_the_other():
  voice = jnp.asarray(np.arange(8, dtype=np.float32)[None, :, None])
  valid = jnp.arange(8)[None] < 6
  found = speaking.of_the_other_half(voice, valid)[0, :, 0]
  np.testing.assert_allclose(found[:6], [4, 4, 4, 1, 1, 1])
  np.testing.assert_allclose(speaking.of_all(voice, valid)[0, :, 0], 2.5)


def test_what_is_spoken_is_as_long_as_what_was_heard():
  batch = tiny.batch(2, 20)
  spoken = jax.jit(tiny.MODEL.apply)(
      {'params': tiny.params()}, batch['waveform'], batch['length']
  )
  assert spoken.shape == batch['waveform'].shape
  assert np.isfinite(spoken).all()
