"""Tests of the codec's networks that work on spectra."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolm_jax.soundstream import quantizer, streaming
from audiolm_jax.soundstream.spectral_model import (
    SpectralDecoder,
    SpectralSoundStream,
)
from audiolm_jax.tokens.tokenizers.soundstream import soundstream_tokenizer
from audiolm_jax.training.state import unbox

MODEL = SpectralSoundStream(
    encoder_layers=2,
    encoder_dim=12,
    decoder_layers=3,
    decoder_dim=16,
    frame_length=20,
    analysis_window=64,
    synthesis_window=80,
    embedding_dim=6,
    num_quantizers=3,
    codebook_size=16,
    phase='vector',
)
HOP, FRAMES = MODEL.hop_length, 24
WAVEFORM = 0.3 * jax.random.normal(jax.random.key(1), (2, FRAMES * HOP))
PARAMS = unbox(MODEL.init(jax.random.key(0), WAVEFORM)['params'])
CODEBOOKS = jax.random.normal(jax.random.key(2), (3, 16, 6))
CODES = jax.random.randint(jax.random.key(3), (2, FRAMES, 3), 0, 16)
decode_piece = jax.jit(
    functools.partial(streaming.decode, MODEL, PARAMS, CODEBOOKS)
)
encode_piece = jax.jit(
    functools.partial(streaming.encode, MODEL, PARAMS, CODEBOOKS)
)
pieces = st.sets(st.integers(1, FRAMES - 1)).map(
    lambda borders: list(
        zip([0, *sorted(borders)], [*sorted(borders), FRAMES], strict=True)
    )
)


def run(method, *args):
  return MODEL.apply({'params': PARAMS}, *args, method=method)


def test_forty_milliseconds_are_a_latent_of_two_spectra():
  model = SpectralSoundStream()
  assert (model.hop_length, model.frame_rate) == (640, 25.0)


@pytest.mark.parametrize('phase, numbers', [('angle', 2), ('vector', 3)])
def test_the_spectra_are_what_the_last_layer_says(phase, numbers):
  decoder = SpectralDecoder(1, 8, stack=2, num_bins=5, phase=phase)
  params = decoder.init(jax.random.key(0), jnp.zeros((1, 1, 4)))['params']
  said = jax.random.normal(jax.random.key(1), (2, numbers, 5))
  last = {
      'kernel': jnp.zeros((8, 10 * numbers)),
      'bias': said.reshape(-1),
  }
  params = {**unbox(params), 'output': last}
  spectra = decoder.apply({'params': params}, jnp.zeros((1, 1, 4)))[0]
  np.testing.assert_allclose(jnp.abs(spectra), jnp.exp(said[:, 0]), rtol=2e-3)
  angle = said[:, 1] if phase == 'angle' else jnp.atan2(said[:, 2], said[:, 1])
  np.testing.assert_allclose(
      jnp.exp(1j * angle), spectra / jnp.abs(spectra), atol=1e-5
  )


def test_a_vector_of_no_length_has_a_finite_slope():
  decoder = SpectralDecoder(1, 8, stack=2, num_bins=5, phase='vector')
  params = unbox(
      decoder.init(jax.random.key(0), jnp.zeros((1, 1, 4)))['params']
  )
  params['output'] = jax.tree.map(jnp.zeros_like, params['output'])

  def real(params):
    return decoder.apply({'params': params}, jnp.ones((1, 1, 4))).real.sum()

  gradient = jax.grad(real)(params)
  assert all(jnp.isfinite(x).all() for x in jax.tree.leaves(gradient))


def test_encoding_ignores_the_future():
  whole = run('encode', WAVEFORM)
  prefix = run('encode', WAVEFORM[:, : 7 * HOP])
  np.testing.assert_allclose(whole[:, :7], prefix, atol=1e-5)


def test_a_latent_hears_its_receptive_field_and_no_more():
  waveform = jnp.tile(WAVEFORM, (1, 2))

  def last_but_one(waveform):
    return run('encode', waveform)[0, -2].sum()

  heard = np.flatnonzero(jax.grad(last_but_one)(waveform)[0])
  end = waveform.shape[1] - HOP
  # The Hann window is zero at its first sample.
  assert heard[0] == end - MODEL.receptive_field + 1
  assert heard[-1] == end - 1


def test_a_sample_depends_on_frames_as_far_as_the_model_says():
  z = quantizer.decode(CODES, CODEBOOKS)
  frame = 20

  def last_sample(z):
    return run('decode', z)[0, (frame + 1) * HOP - 1]

  def all_samples(z):
    return jnp.square(
        run('decode', z)[0, frame * HOP : (frame + 1) * HOP]
    ).sum()

  heard = np.flatnonzero(np.abs(jax.grad(all_samples)(z)[0]).sum(axis=-1))
  assert heard[0] >= frame - MODEL.num_past_frames
  assert heard[-1] == frame + -(-MODEL.delay // HOP)
  ahead = np.abs(jax.grad(last_sample)(z)[0, frame + 1]).sum()
  assert ahead > 0


@settings(max_examples=10, deadline=None)
@given(pieces)
def test_samples_of_pieces_are_those_of_the_whole_and_later(pieces):
  past = streaming.decoder_past(MODEL, PARAMS, len(CODES))
  found = []
  for start, end in pieces:
    samples, past = decode_piece(past, CODES[:, start:end])
    found.append(samples)
  whole = run('decode', quantizer.decode(CODES, CODEBOOKS))
  late = np.concatenate(found, axis=1)[:, MODEL.delay :]
  np.testing.assert_allclose(late, whole[:, : -MODEL.delay], atol=1e-5)


@settings(max_examples=10, deadline=None)
@given(pieces)
def test_codes_of_pieces_are_those_of_the_whole(pieces):
  past = streaming.encoder_past(MODEL, PARAMS, len(WAVEFORM))
  found = []
  for start, end in pieces:
    codes, past = encode_piece(past, WAVEFORM[:, start * HOP : end * HOP])
    found.append(codes)
  whole = quantizer.encode(run('encode', WAVEFORM), CODEBOOKS)
  assert np.mean(np.concatenate(found, axis=1) != whole) < 0.02


def test_absent_frames_change_nothing():
  z = quantizer.decode(CODES, CODEBOOKS)
  more = jnp.pad(z, ((0, 0), (0, 5), (0, 0)), constant_values=3.0)
  present = jnp.arange(FRAMES + 5)[None] < jnp.array([[FRAMES], [FRAMES]])
  padded = run('decode', more, present)
  np.testing.assert_allclose(
      padded[:, : FRAMES * HOP], run('decode', z), atol=1e-5
  )


def test_tokenizer_decodes_the_same_alone_and_in_company():
  tokenizer = soundstream_tokenizer(MODEL, PARAMS, CODEBOOKS)
  codes = np.asarray(CODES)
  together = tokenizer.decode(np.repeat(codes, 2, axis=0))[::2]
  for row, alone in zip(together, codes, strict=True):
    np.testing.assert_allclose(row, tokenizer.decode(alone[None])[0], atol=1e-5)
  np.testing.assert_allclose(
      together, run('decode', quantizer.decode(CODES, CODEBOOKS)), atol=1e-5
  )


def test_tokens_do_not_depend_on_the_decoder():
  tokenizer = soundstream_tokenizer(MODEL, PARAMS, CODEBOOKS)
  other = {**PARAMS, 'decoder': jax.tree.map(jnp.ones_like, PARAMS['decoder'])}
  changed = soundstream_tokenizer(MODEL, other, CODEBOOKS)
  assert changed.fingerprint == tokenizer.fingerprint
  deaf = jax.tree.map(jnp.zeros_like, PARAMS)
  assert (
      soundstream_tokenizer(MODEL, deaf, CODEBOOKS).fingerprint
      != tokenizer.fingerprint
  )


def test_length_must_be_whole_frames():
  with pytest.raises(ValueError, match='not a multiple of the hop length'):
    run('encode', WAVEFORM[:, : HOP + 1])


def test_bfloat16_is_close_to_float32():
  half = MODEL.clone(dtype=jnp.bfloat16).apply({'params': PARAMS}, WAVEFORM)
  full = run('__call__', WAVEFORM)
  assert half.dtype == jnp.float32
  assert jnp.abs(half - full).mean() < 0.1 * jnp.abs(full).mean()
