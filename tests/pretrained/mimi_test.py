"""Mimi against `transformers`, with random weights."""

import functools

import jax
import numpy as np
import pytest

torch = pytest.importorskip('torch')
transformers = pytest.importorskip('transformers')

from audiolm_jax.errors import UserError  # noqa: E402
from audiolm_jax.pretrained import (  # noqa: E402
    checkpoint,
    mimi,
    mimi_transformer,
)

from . import published  # noqa: E402

SMALL = {
    'num_filters': 4,
    'hidden_size': 16,
    'codebook_size': 32,
    'codebook_dim': 6,
    'vector_quantization_hidden_dimension': 6,
    'num_quantizers': 4,
    'num_hidden_layers': 2,
    'num_attention_heads': 4,
    'num_key_value_heads': 4,
    'intermediate_size': 24,
    'upsample_groups': 16,
}
CONFIGS = {
    'causal': {
        **SMALL,
        'sampling_rate': 8000,
        'upsampling_ratios': [4, 3, 2],
        'num_key_value_heads': 2,
        'sliding_window': 5,
    },
    'both_ways': {
        **SMALL,
        'upsampling_ratios': [5, 4],
        'frame_rate': 400,
        'use_causal_conv': False,
        'pad_mode': 'reflect',
        'num_residual_layers': 2,
        'use_conv_shortcut': True,
        'codebook_dim': 16,
        'vector_quantization_hidden_dimension': 16,
        'num_semantic_quantizers': 2,
        'upsample_groups': 4,
        'attention_bias': True,
        'head_dim': 6,
        'num_hidden_layers': 1,
        'rope_parameters': {'rope_type': 'default', 'rope_theta': 100.0},
    },
    'trimmed': {
        **SMALL,
        'upsampling_ratios': [3, 4],
        'pad_mode': 'replicate',
        'compress': 1,
        'trim_right_ratio': 0.5,
        'hidden_act': 'silu',
        'upsample_groups': 1,
        'num_quantizers': 2,
        'sliding_window': 18,
    },
}
REFUSED = {
    'model_type': 'encodec',
    'audio_channels': 2,
    'pad_mode': 'circular',
    'normalize': True,
    'trim_right_ratio': 0.5,
    'vector_quantization_hidden_dimension': 7,
    'hidden_act': 'swish',
    'rope_scaling': {'type': 'linear'},
    'rope_parameters': {'rope_type': 'yarn'},
    'frame_rate': 1200,
    'num_key_value_heads': 3,
    'upsample_groups': 5,
    'num_semantic_quantizers': 4,
    'sliding_window': 0,
    'head_dim': -1,
}


@pytest.fixture(scope='module')
def load(tmp_path_factory):
  """By name: the published model, our model, and our params."""

  @functools.cache
  def load(name):
    reference = random_model(CONFIGS[name])
    folder = tmp_path_factory.mktemp(name)
    reference.save_pretrained(folder)
    return reference, *mimi.convert(checkpoint.read(folder))

  return load


def random_model(settings):
  """Its codebooks are spread as the latents are."""
  # Also what the model itself draws.
  transformers.set_seed(0)
  model = transformers.MimiModel(transformers.MimiConfig(**settings))
  published.randomize(model)
  model.eval()
  waveform = torch.tensor(published.sounds(3000))[:, None]
  with torch.no_grad():
    z = model.encoder(waveform).latents
    for half in (
        model.quantizer.semantic_residual_vector_quantizer,
        model.quantizer.acoustic_residual_vector_quantizer,
    ):
      spread_codebooks(half, z)
  return model


def spread_codebooks(half, z):
  z = (half.input_proj(z) if half.input_proj else z)[0]
  for level, layer in enumerate(half.layers):
    book = layer.codebook
    vectors = torch.randn(book.embed_sum.shape) * z.std(1) * 0.7**level
    vectors += z.mean(1) if not level else 0.0
    book.cluster_usage.uniform_(0.0, 2.0)
    # Of a vector that hardly anything chose, the sum is that of 1e-5 of them.
    book.cluster_usage[3] = 1e-7
    usage = book.cluster_usage.clamp(min=1e-5)
    book.embed_sum.copy_(vectors * usage[:, None])


@pytest.mark.parametrize('name', CONFIGS)
def test_codes_are_the_published_ones_whatever_the_company(load, name):
  reference, model, params = load(name)
  clips, batch, lengths = published.batch(model.hop_length)
  codes = published.apply(model, 'encode', params, batch, lengths)
  assert codes.dtype == np.int32
  assert len(np.unique(codes)) > 8
  for clip, row in zip(clips, codes, strict=True):
    with torch.no_grad():
      wanted = reference.encode(torch.tensor(clip)[None, None]).audio_codes
    wanted = wanted[0].numpy().T
    assert wanted.shape[1] == model.num_quantizers
    np.testing.assert_array_equal(row[: len(wanted)], wanted)
    assert not row[len(wanted) :].any()


def test_codes_of_a_clip_alone_are_those_in_a_batch(load):
  _, model, params = load('both_ways')
  clips, batch, lengths = published.batch(model.hop_length)
  codes = published.apply(model, 'encode', params, batch, lengths)
  alone = published.apply(model, 'encode', params, clips[1][None], lengths[1:2])
  np.testing.assert_array_equal(alone[0], codes[1, : alone.shape[1]])


@pytest.mark.parametrize('name', CONFIGS)
def test_waveforms_are_the_published_ones(load, name):
  reference, model, params = load(name)
  codes = random_codes(model)
  wholes = []
  for num_frames in (9, 2):
    some = codes[:, :num_frames]
    found = published.apply(model, 'decode', params, some)
    wanted = reference_waveform(reference, some)
    assert found.shape == (2, num_frames * model.hop_length)
    assert published.relative_error(found, wanted) < 1e-5
    wholes.append(found)
  # Only what is causal may be decoded with anything behind it.
  whole, start = wholes
  error = published.relative_error(whole[:, : start.shape[1]], start)
  assert (error < 1e-5) == model.causal


def random_codes(model):
  shape = 2, 9, model.num_quantizers
  return np.random.default_rng(0).integers(0, model.codebook_size, shape)


def reference_waveform(reference, codes):
  with torch.no_grad():
    frames = torch.tensor(codes).swapaxes(1, 2)
    return reference.decode(frames).audio_values[:, 0].numpy()


@pytest.mark.parametrize('levels', [1, 2, 3])
@pytest.mark.parametrize('name', ['causal', 'both_ways'])
def test_fewer_levels_are_the_published_ones(load, name, levels):
  reference, model, params = load(name)
  codes = random_codes(model)[..., :levels]
  found = published.apply(model, 'embed', params, codes)
  with torch.no_grad():
    wanted = reference.quantizer.decode(torch.tensor(codes).swapaxes(1, 2))
  wanted = wanted.numpy().swapaxes(1, 2)
  assert published.relative_error(found, wanted) < 1e-6


def test_the_model_is_rebuilt_from_its_fields(load):
  _, model, _ = load('causal')
  assert published.rebuilt(model) == model
  assert (model.sample_rate, model.hop_length) == (8000, 48)
  assert model.frame_rate == 8000 / 48
  assert (model.num_quantizers, model.codebook_size) == (4, 32)


def test_older_configurations_say_the_same(load, tmp_path):
  reference, model, _ = load('both_ways')
  reference.save_pretrained(tmp_path)
  config, tensors = checkpoint.read(tmp_path)
  del config['_frame_rate'], config['rope_parameters']
  config |= {'frame_rate': 400.0, 'rope_theta': 100.0, 'rope_scaling': None}
  assert mimi.convert(checkpoint.Checkpoint(config, tensors))[0] == model


@pytest.mark.parametrize('num_frames, window', [(1, 3), (7, 3), (6, 3), (4, 9)])
def test_each_frame_sees_its_window_and_no_more(num_frames, window):
  rng = np.random.default_rng(0)
  x = rng.standard_normal((3, 1, num_frames, 2, 4)).astype(np.float32)
  attend = jax.jit(mimi_transformer.attend_to_window, static_argnums=3)
  found = attend(*map(jax.numpy.asarray, x), window)
  queries, keys = np.indices((num_frames, num_frames))
  seen = (keys <= queries) & (queries - keys < window)
  scores = np.einsum('blhe,bshe->bhls', x[0], x[1]) / 2.0
  weights = np.exp(np.where(seen, scores, -np.inf))
  weights /= weights.sum(axis=-1, keepdims=True)
  wanted = np.einsum('bhls,bshe->blhe', weights, x[2])
  np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_turns_tell_how_far_apart_frames_are():
  x = np.ones((1, 9, 1, 6), np.float32)
  rotate = jax.jit(mimi_transformer.rotate, static_argnums=1)
  turned = rotate(x, 50.0)[0, :, 0]
  products = np.asarray(turned @ turned.T)
  for distance in range(9):
    same = np.diagonal(products, distance)
    np.testing.assert_allclose(same, same[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('name', REFUSED)
def test_what_is_not_supported_is_refused_by_name(load, name):
  reference, *_ = load('both_ways')
  config = {**reference.config.to_dict(), name: REFUSED[name]}
  match = 'rope_type' if name == 'rope_parameters' else name
  with pytest.raises(UserError, match=match) as error:
    mimi.convert(checkpoint.Checkpoint(config, {}))
  assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    'change, message',
    [
        ({'upsample.conv.weight': None}, 'lack upsample.kernel'),
        ({'upsample.conv.weight': np.zeros((16, 1, 3))}, 'fits no stride'),
        ({'decoder.layers.99.bias': np.zeros(3)}, 'have decoder.layers_99'),
        (
            {
                'quantizer.acoustic_residual_vector_quantizer.layers.2.codebook'
                '.embed_sum': None
            },
            'lack quantizer.acoustic.*2.codebook.embed_sum',
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_name(
    load, tmp_path, change, message
):
  load('causal')[0].save_pretrained(tmp_path)
  config, tensors = checkpoint.read(tmp_path)
  tensors |= change
  tensors = {key: value for key, value in tensors.items() if value is not None}
  with pytest.raises(UserError, match=message) as error:
    mimi.convert(checkpoint.Checkpoint(config, tensors))
  assert '\n' not in str(error.value)
