"""Tests audiolm_jax/tokens/tokenizers/stream_decoder.py."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolm_jax.tokens.tokenizers.contract import Context
from audiolm_jax.tokens.tokenizers.stream_decoder import StreamDecoder

HOP = 3


class Codec:
  """Each sample is a sum over the frames around its own."""

  sample_rate = 60
  hop_length = HOP
  num_quantizers = 1
  codebook_size = 9
  fingerprint = ''

  def encode(self, waveform, lengths):
    raise NotImplementedError

  def __init__(self, before, after):
    self.context = Context(before, after)
    self.longest = 0

  def decode(self, codes):
    self.longest = max(self.longest, codes.shape[1])
    before, after = self.context
    values = np.pad(codes[0, :, 0].astype(np.float32), (before, after))
    weights = 1.0 + np.arange(before + after + 1)
    heard = np.correlate(values, weights.astype(np.float32), 'valid')
    return np.repeat(heard, HOP)[None].astype(np.float32)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(0, 7), max_size=8),
    st.integers(0, 9),
    st.integers(0, 4),
    st.integers(0, 3),
)
def test_pieces_are_the_whole(sizes, num_past, before, after):
  random = np.random.default_rng(0)
  codes = random.integers(0, 9, (num_past + sum(sizes), 1), np.int32)
  codec = Codec(before, after)
  decoder = StreamDecoder(codec, codes[:num_past])
  borders = num_past + np.cumsum([0, *sizes])
  pieces = [
      decoder.decode(codes[start:stop])
      for start, stop in zip(borders, borders[1:], strict=False)
  ]
  pieces.append(decoder.flush())
  whole = codec.decode(codes[None])[0] if len(codes) else np.zeros(0)
  np.testing.assert_array_equal(np.concatenate(pieces), whole[num_past * HOP :])


@pytest.mark.parametrize('after', [0, 2])
def test_memory_does_not_grow(after):
  codec = Codec(4, after)
  decoder = StreamDecoder(codec, np.zeros((0, 1), np.int32))
  for _ in range(100):
    decoder.decode(np.ones((5, 1), np.int32))
  assert codec.longest <= 4 + 5 + 2 * after
