"""EnCodec against `transformers`, with random weights."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip('torch')
transformers = pytest.importorskip('transformers')

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
        'trim_right_ratio': 1.0,
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
        'upsampling_ratios': [4, 2],
        'target_bandwidths': [75.0],
        'norm_type': 'time_group_norm',
        'use_causal_conv': False,
        'pad_mode': 'replicate',
    },
    'trimmed': {
        **SMALL,
        'upsampling_ratios': [4, 3],
        'target_bandwidths': [30.0],
        'norm_type': 'time_group_norm',
        'trim_right_ratio': 0.4,
    },
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
  model = transformers.EncodecModel(transformers.EncodecConfig(**settings))
  published.randomize(model)
  model.eval()
  hop = model.config.hop_length
  with torch.no_grad():
    z = model.encoder(torch.tensor(published.sounds(50, hop))[:, None])[0]
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


def our_codes(model, params, waveform, lengths=None):
  lengths = [waveform.shape[1]] * len(waveform) if lengths is None else lengths
  return np.asarray(
      apply(model, 'encode', params, waveform, jnp.asarray(lengths))
  )


def apply(model, method, params, *arrays):
  with jax.default_matmul_precision('highest'):
    return jitted(model, method)({'params': params}, *arrays)


@functools.cache
def jitted(model, method):
  return jax.jit(functools.partial(model.apply, method=method))


@pytest.mark.parametrize('name', CONFIGS)
@pytest.mark.parametrize('num_frames', published.FRAMES)
def test_codes_are_the_published_ones(load, name, num_frames):
  reference, model, params = load(name)
  waveform = published.sounds(num_frames, model.hop_length, seed=num_frames)
  wanted = reference_codes(reference, waveform)
  assert wanted.shape[2] == model.num_quantizers
  np.testing.assert_array_equal(our_codes(model, params, waveform), wanted)


@pytest.mark.parametrize('name', CONFIGS)
@pytest.mark.parametrize('num_frames', published.FRAMES)
def test_waveforms_are_the_published_ones(load, name, num_frames):
  reference, model, params = load(name)
  shape = 2, num_frames, model.num_quantizers
  codes = np.random.default_rng(0).integers(0, model.codebook_size, shape)
  for levels in (1, model.num_quantizers):
    few = codes[..., :levels]
    with torch.no_grad():
      frames = torch.tensor(few).swapaxes(1, 2)[None]
      wanted = reference.decode(frames, [None]).audio_values[:, 0].numpy()
    found = apply(model, 'decode', params, few)
    assert published.relative_error(found, wanted) < 1e-5
