"""EnCodec against `transformers`, with random weights."""

import functools

import numpy as np
import pytest

torch = pytest.importorskip('torch')
transformers = pytest.importorskip('transformers')

from audiolm_jax.errors import UserError  # noqa: E402
from audiolm_jax.pretrained import checkpoint, encodec  # noqa: E402

from . import published  # noqa: E402

SMALL = {
    'num_filters': 4,
    'hidden_size': 12,
    'codebook_size': 32,
    'num_lstm_layers': 1,
}
CONFIGS = {
    'mirrored': {
        **SMALL,
        'sampling_rate': 8000,
        'upsampling_ratios': [4, 3, 2],
        'target_bandwidths': [1.7, 6.7],
        'num_lstm_layers': 2,
    },
    'causal': {
        **SMALL,
        'upsampling_ratios': [5, 2],
        'target_bandwidths': [48.0],
        'pad_mode': 'constant',
        'num_residual_layers': 2,
        'residual_kernel_size': 5,
        'use_conv_shortcut': False,
        'compress': 4,
        'kernel_size': 5,
        'last_kernel_size': 3,
    },
    'both_ways': {
        **SMALL,
        'upsampling_ratios': [3, 2, 3],
        'target_bandwidths': [6.7, 27.0],
        'use_causal_conv': False,
        'num_residual_layers': 3,
        'dilation_growth_rate': 3,
        'last_kernel_size': 6,
    },
    'normed': {
        **SMALL,
        'upsampling_ratios': [4, 3],
        'target_bandwidths': [40.0],
        'norm_type': 'time_group_norm',
        'pad_mode': 'replicate',
        'trim_right_ratio': 0.4,
    },
}
REFUSED = {
    'model_type': 'mimi',
    'audio_channels': 2,
    'normalize': True,
    'chunk_length_s': 1.0,
    'codebook_dim': 7,
    'pad_mode': 'circular',
    'norm_type': 'layer_norm',
    'trim_right_ratio': 0.5,
    'upsampling_ratios': '8 5 4 2',
    'num_filters': 0,
    'num_lstm_layers': True,
    'target_bandwidths': [0.1],
}


@pytest.fixture(scope='module')
def load(tmp_path_factory):
  """By name: the published model, our model, and our params."""

  @functools.cache
  def load(name):
    reference = random_model(CONFIGS[name])
    folder = tmp_path_factory.mktemp(name)
    reference.save_pretrained(folder)
    return reference, *encodec.convert(checkpoint.read(folder))

  return load


def random_model(settings):
  """Its codebooks are spread as the latents are."""
  # Also what the model itself draws.
  transformers.set_seed(0)
  model = transformers.EncodecModel(transformers.EncodecConfig(**settings))
  published.randomize(model)
  model.eval()
  hop = model.config.hop_length
  with torch.no_grad():
    z = model.encoder(torch.tensor(published.sounds(50 * hop))[:, None])[0]
    for level, layer in enumerate(model.quantizer.layers):
      size = layer.codebook.embed.shape
      spread = torch.randn(size) * z.std(1) * 0.7**level
      layer.codebook.embed.copy_(spread + (z.mean(1) if not level else 0.0))
  return model


def reference_codes(reference, waveform):
  """All levels, 'B T Q'."""
  with torch.no_grad():
    codes = reference.encode(
        torch.tensor(waveform)[:, None],
        bandwidth=reference.config.target_bandwidths[-1],
    ).audio_codes
  return codes[0].numpy().swapaxes(1, 2)


@pytest.mark.parametrize('name', CONFIGS)
def test_codes_are_the_published_ones_whatever_the_company(load, name):
  reference, model, params = load(name)
  clips, batch, lengths = published.batch(model.hop_length)
  codes = published.apply(model, 'encode', params, batch, lengths)
  assert codes.dtype == np.int32
  for clip, row in zip(clips, codes, strict=True):
    wanted = reference_codes(reference, clip[None])[0]
    assert wanted.shape[1] == model.num_quantizers
    np.testing.assert_array_equal(row[: len(wanted)], wanted)
    assert not row[len(wanted) :].any()


@pytest.mark.parametrize('name', ['both_ways'])
def test_codes_of_a_clip_alone_are_those_in_a_batch(load, name):
  _, model, params = load(name)
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


def test_fewer_levels_are_the_published_ones(load):
  reference, model, params = load('causal')
  codes = random_codes(model)[..., :1]
  wanted = reference_waveform(reference, codes)
  found = published.apply(model, 'decode', params, codes)
  assert published.relative_error(found, wanted) < 1e-5


def random_codes(model):
  shape = 2, 9, model.num_quantizers
  return np.random.default_rng(0).integers(0, model.codebook_size, shape)


def reference_waveform(reference, codes):
  with torch.no_grad():
    frames = torch.tensor(codes).swapaxes(1, 2)[None]
    return reference.decode(frames, [None]).audio_values[:, 0].numpy()


def test_vectors_of_a_level_are_the_published_ones(load):
  reference, model, params = load('mirrored')
  codes = random_codes(model)
  embedded = published.apply(model, 'embed', params, codes[..., :2])
  books = [layer.codebook.embed.numpy() for layer in reference.quantizer.layers]
  wanted = books[0][codes[..., 0]] + books[1][codes[..., 1]]
  np.testing.assert_allclose(embedded, wanted, rtol=1e-6)


def test_the_model_is_rebuilt_from_its_fields(load):
  _, model, _ = load('mirrored')
  assert published.rebuilt(model) == model
  assert (model.sample_rate, model.hop_length, model.frame_rate) == (
      *(8000, 24),
      8000 / 24,
  )
  assert (model.num_quantizers, model.codebook_size) == (4, 32)


def test_a_waveform_has_whole_frames(load):
  _, model, params = load('mirrored')
  with pytest.raises(ValueError, match='not a multiple'):
    published.apply(model, 'encode', params, np.zeros((1, 25)), np.array([25]))


@pytest.mark.parametrize('name', REFUSED)
def test_what_is_not_supported_is_refused_by_name(load, name):
  config = {**load('both_ways')[0].config.to_dict(), name: REFUSED[name]}
  with pytest.raises(UserError, match=name) as error:
    encodec.convert(checkpoint.Checkpoint(config, {}))
  assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    'change, message',
    [
        ({'decoder.layers.0.conv.bias': None}, 'lack decoder.layers_0.bias'),
        (
            {'quantizer.layers.2.codebook.embed': None},
            'lack quantizer.layers.2',
        ),
        ({'encoder.layers.99.bias': np.zeros(3)}, 'have encoder.layers_99'),
        ({'encoder.layers.0.bias': np.zeros(4)}, 'under a second name'),
        ({'encoder.layers.0.conv.bias': np.zeros(3)}, r'of shape \(3,\)'),
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
    encodec.convert(checkpoint.Checkpoint(config, tensors))
  assert '\n' not in str(error.value)
