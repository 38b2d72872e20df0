"""Tests audiolm_jax/tokens/tokenizers/resampled.py."""

import numpy as np
import pytest
import soxr

from audiolm_jax.errors import UserError
from audiolm_jax.tokens.tokenizers.resampled import Resampled
from tests.tokens import tiny


def test_ids_are_those_of_the_resampled_clip_whatever_the_company():
  inner = tiny.w2v_bert()
  tokenizer = Resampled(inner, 24000)
  assert (tokenizer.sample_rate, tokenizer.hop_length) == (24000, 960)
  clips = [tiny.noise(s, seed=i) for i, s in enumerate([0.72, 0.4])]
  batch, lengths = np.ones((2, 18 * 960), np.float32), np.array([17280, 9600])
  for row, clip, length in zip(batch, clips, lengths, strict=True):
    row[:length] = soxr.resample(clip, 16000, 24000)[:length]
  ids = tokenizer.encode(batch, lengths)
  for i, length in enumerate(lengths):
    heard = soxr.resample(batch[i, :length], 24000, 16000)
    count = length // 960
    wanted = inner.encode(heard[None, : count * 640], np.array([count * 640]))
    np.testing.assert_array_equal(ids[i, :count], wanted[0])
    assert not ids[i, count:].any()
  assert tokenizer.features(batch, lengths).shape[:2] == ids.shape


def test_the_rate_is_part_of_the_fingerprint():
  inner = tiny.w2v_bert()
  rates = {Resampled(inner, rate).fingerprint for rate in (24000, 32000, 48000)}
  assert len(rates | {inner.fingerprint}) == 4


def test_a_rate_without_whole_frames_is_refused():
  with pytest.raises(UserError, match='44101 Hz'):
    Resampled(tiny.w2v_bert(), 44101)
