"""Tests audiolm_jax/tokens/tokenizers/: company, padding and cutting.

Rounding may differ between shapes, and decide between two codes that are
equally near. So tokens are compared unless the runner-up is as near as the
winner but for 1/100 000 of how much farther the last one is; of a clip's tokens
no more than three may be left out for that.
"""

import functools
import math
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolm_jax import audio
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.soundstream import streaming
from audiolm_jax.soundstream.model import SoundStream
from audiolm_jax.tokens.tokenizers import windows
from audiolm_jax.tokens.tokenizers.soundstream import soundstream_codec
from tests.tokens import tiny

HOP = tiny.tokenizers().hop_length  # Of both tokenizers.
CODEC_HOP = tiny.CODEC.hop_length
PARAMS, CODEBOOKS = tiny.soundstream()._weights
LONGEST = 56 * HOP
PROMPTS = pathlib.Path(__file__).parents[3] / 'data' / 'prompts'
NEAR_TIE = 1e-5

# Lengths in samples: few numbers of frames, as each has to be compiled, but
# nearly no whole ones.
lengths = st.builds(
    lambda frames, cut: frames * HOP - cut,
    st.sampled_from([1, 9, 32, 56]),
    st.integers(0, HOP - 1),
)
clips = st.builds(
    lambda length, seed: tiny.noise(length / tiny.SAMPLE_RATE, seed),
    lengths,
    st.integers(0, 100),
)


def alone(tokenizer, clip):
  padded = audio.pad_to_multiple(clip, HOP)
  tokens = tokenizer.encode(padded[None], np.array([len(clip)]))[0]
  return tokens[: math.ceil(len(clip) / tokenizer.hop_length)]


def together(tokenizer, clips, num_samples, junk):
  """Tokens of a batch with `junk` from the end of each clip on."""
  batch = np.full((len(clips), num_samples), junk, np.float32)
  for row, clip in zip(batch, clips, strict=True):
    row[: len(clip)] = clip
  return tokenizer.encode(batch, np.array([len(clip) for clip in clips]))


def has_winner(x, centroids):
  """Whether the nearest centroid is clearly nearer than any other."""
  distances = np.square(x[:, None] - centroids[None]).sum(axis=-1)
  first, second, *_, last = np.sort(distances, axis=-1).T
  return second - first > NEAR_TIE * (last - first)


@jax.jit
def latents(waveform):
  return tiny.CODEC.apply({'params': PARAMS}, waveform, method='encode')


def decided_codes(clip):
  """'T Q': no near tie at this level or one before it."""
  padded = np.pad(clip, (0, -len(clip) % LONGEST))
  z = np.asarray(latents(padded[None]))[0, : math.ceil(len(clip) / CODEC_HOP)]
  decided = []
  for codebook in CODEBOOKS:
    decided.append(has_winner(z, codebook))
    distances = np.square(z[:, None] - codebook[None]).sum(axis=-1)
    z = z - codebook[distances.argmin(axis=-1)]
  return np.logical_and.accumulate(np.stack(decided, axis=1), axis=1)


def decided_ids(clip):
  """' T': no near tie."""
  tokenizer = tiny.w2v_bert()
  padded = np.pad(clip, (0, LONGEST - len(clip)))[None]
  x = tokenizer.features(padded, np.array([len(clip)]))[0]
  return has_winner(x[: math.ceil(len(clip) / HOP)], tokenizer.centroids)


def assert_same(found, expected, decided):
  assert np.sum(~decided) <= 3
  np.testing.assert_array_equal(found[decided], expected[decided])


@pytest.mark.parametrize(
    'make, decided',
    [(tiny.w2v_bert, decided_ids), (tiny.soundstream, decided_codes)],
)
@settings(max_examples=10, deadline=None)
@given(
    clips=st.lists(clips, min_size=3, max_size=3),
    more_frames=st.integers(0, 9),
    junk=st.sampled_from([0.0, 0.1, -100.0, math.nan]),
)
def test_tokens_do_not_depend_on_company_or_padding(
    make, decided, clips, more_frames, junk
):
  tokenizer = make()
  num_frames = math.ceil(max(map(len, clips)) / HOP) + more_frames
  tokens = together(tokenizer, clips, num_frames * HOP, junk)
  for row, clip in zip(tokens, clips, strict=True):
    expected = alone(tokenizer, clip)
    assert_same(row[: len(expected)], expected, decided(clip))
    assert not row[len(expected) :].any()


@pytest.mark.parametrize('make', [tiny.w2v_bert, tiny.soundstream])
def test_tokens_change_with_what_is_heard(make):
  tokens = alone(make(), tiny.noise(2.0, seed=0))
  assert len(np.unique(tokens.reshape(len(tokens), -1)[:, 0])) > 2


encode_piece = jax.jit(
    functools.partial(
        streaming.encode, tiny.CODEC, PARAMS, jnp.asarray(CODEBOOKS)
    )
)
borders = st.sets(st.integers(1, 23))


@settings(max_examples=10, deadline=None)
@given(borders, st.integers(0, CODEC_HOP - 1), st.integers(0, 100))
def test_codes_do_not_depend_on_cutting(borders, cut, seed):
  clip = tiny.noise((24 * CODEC_HOP - cut) / tiny.SAMPLE_RATE, seed)
  ends = [border * CODEC_HOP for border in sorted(borders)]
  past = streaming.encoder_past(tiny.CODEC, PARAMS, batch_size=1)
  found = []
  for piece in np.split(audio.pad_to_multiple(clip, CODEC_HOP), ends):
    codes, past = encode_piece(past, piece[None])
    found.append(codes[0])
  expected = alone(tiny.soundstream(), clip)
  assert_same(np.concatenate(found), expected, decided_codes(clip))


def in_windows(tokenizer, clip, seconds):
  with pytest.MonkeyPatch.context() as patch:
    window = round(seconds * tokenizer.sample_rate / tokenizer.hop_length)
    patch.setattr(tokenizer, '_window', window)
    return alone(tokenizer, clip)


@settings(max_examples=10, deadline=None)
@given(
    st.sampled_from([20, 32, 40]), st.integers(0, HOP - 1), st.integers(0, 100)
)
def test_codes_of_windows_are_those_of_one_pass(num_frames, cut, seed):
  clip = tiny.noise((LONGEST - cut) / tiny.SAMPLE_RATE, seed)
  seconds = num_frames * CODEC_HOP / tiny.SAMPLE_RATE
  found = in_windows(tiny.soundstream(), clip, seconds)
  assert_same(found, alone(tiny.soundstream(), clip), decided_codes(clip))


@pytest.mark.parametrize('strides', [(2, 4, 5, 8), (16, 20), (3,), (8, 8, 8)])
def test_the_margin_of_a_codec_holds_all_that_a_frame_hears(strides):
  model = SoundStream(strides=strides)
  codec = soundstream_codec(model)
  margin = round(codec.margin_seconds * model.frame_rate)
  assert (margin + 1) * model.hop_length >= model.receptive_field


@pytest.mark.slow
def test_a_minute_of_speech_in_windows_has_the_codes_of_one_pass():
  prompt = audio.read(PROMPTS / 'speech_italian.flac', tiny.SAMPLE_RATE)
  clip = np.resize(prompt, 70 * tiny.SAMPLE_RATE)
  tokenizer = Bundle.load('speech').acoustic
  found, expected = alone(tokenizer, clip), in_windows(tokenizer, clip, 80.0)
  # Of 3500 frames, each with 12 levels, rounding may decide hardly any.
  assert (found != expected).any(axis=1).sum() <= 1


@pytest.mark.parametrize(
    'make, method',
    [(tiny.w2v_bert, '_assigned'), (tiny.soundstream, '_encode')],
)
def test_memory_does_not_grow_with_the_clip(monkeypatch, make, method):
  tokenizer, shapes = make(), []
  encode = getattr(tokenizer, method)

  def recorded(weights, waveform, lengths):
    shapes.append(waveform.shape)
    return encode(weights, waveform, lengths)

  monkeypatch.setattr(tokenizer, method, recorded)
  tokens = alone(tokenizer, tiny.noise(10 * 60.0, seed=0))
  assert len(tokens) == 10 * 60 * tiny.SAMPLE_RATE // tokenizer.hop_length
  assert len(shapes) >= 5 and len(set(shapes)) <= 2
  assert max(map(math.prod, shapes)) <= windows._MAX_SAMPLES


def test_long_clips_are_decoded_in_windows_as_in_one_pass(monkeypatch):
  codec = tiny.soundstream()
  shape = 1, 3 * codec.context.before, codec.num_quantizers
  codes = np.random.default_rng(0).integers(0, codec.codebook_size, shape)
  whole = codec.decode(codes)
  monkeypatch.setattr(codec, '_window', codec.context.before // 2)
  np.testing.assert_allclose(codec.decode(codes), whole, atol=1e-5)
