"""Tests of encoding and decoding piece by piece.

That the codes of pieces are those of the whole is tested with all that codes
must not depend on, in ../tokens/trained_tokenizers_test.py.
"""

import functools

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolm_jax.soundstream import quantizer, streaming
from audiolm_jax.soundstream.model import SoundStream
from audiolm_jax.training.state import unbox

MODEL = SoundStream(4, 4, strides=(2, 5), embedding_dim=8, num_quantizers=3)
HOP = MODEL.hop_length
FRAMES = 24
WAVEFORM = 0.3 * jax.random.normal(jax.random.key(1), (2, FRAMES * HOP))
CODEBOOKS = jax.random.normal(jax.random.key(2), (3, 16, 8))
PARAMS = unbox(MODEL.init(jax.random.key(0), WAVEFORM)['params'])

encode = jax.jit(functools.partial(streaming.encode, MODEL, PARAMS, CODEBOOKS))
decode = jax.jit(functools.partial(streaming.decode, MODEL, PARAMS, CODEBOOKS))


def offline(x, method):
  return MODEL.apply({'params': PARAMS}, x, method=method)


def cuts(borders):
  """Borders between frames to (start, end) of the pieces."""
  ends = [0, *sorted(borders), FRAMES]
  return list(zip(ends, ends[1:], strict=False))


pieces = st.sets(st.integers(1, FRAMES - 1)).map(cuts)


@settings(max_examples=10, deadline=None)
@given(pieces)
def test_samples_of_pieces_are_those_of_the_whole(pieces):
  codes = jax.random.randint(jax.random.key(3), (2, FRAMES, 3), 0, 16)
  past = streaming.decoder_past(MODEL, PARAMS, len(codes))
  found = []
  for start, end in pieces:
    samples, past = decode(past, codes[:, start:end])
    found.append(samples)
  expected = offline(quantizer.decode(codes, CODEBOOKS), 'decode')
  np.testing.assert_allclose(np.concatenate(found, axis=1), expected, atol=1e-6)


def test_the_past_matters():
  past = streaming.encoder_past(MODEL, PARAMS, len(WAVEFORM))
  _, heard = encode(past, WAVEFORM[:, : 8 * HOP])
  forgot, _ = encode(past, WAVEFORM[:, 8 * HOP :])
  codes, _ = encode(heard, WAVEFORM[:, 8 * HOP :])
  assert (forgot[:, 0] != codes[:, 0]).any()


def test_a_piece_that_is_no_whole_number_of_frames_is_refused():
  past = streaming.encoder_past(MODEL, PARAMS, len(WAVEFORM))
  with pytest.raises(ValueError, match='not a multiple of the hop'):
    encode(past, WAVEFORM[:, : HOP + 1])
