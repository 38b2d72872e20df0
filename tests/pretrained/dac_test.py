"""DAC against `transformers`, with random weights."""

import functools

import numpy as np
import pytest

torch = pytest.importorskip('torch')
transformers = pytest.importorskip('transformers')

from audiolm_jax.errors import UserError  # noqa: E402
from audiolm_jax.pretrained import checkpoint, dac  # noqa: E402

from . import published  # noqa: E402

SMALL = {'encoder_hidden_size': 4, 'codebook_size': 32, 'codebook_dim': 4}
CONFIGS = {
    'even': {
        **SMALL,
        'downsampling_ratios': [2, 4, 2],
        'decoder_hidden_size': 24,
        'n_codebooks': 5,
        'sampling_rate': 24000,
    },
    'odd': {
        **SMALL,
        'downsampling_ratios': [3, 2, 5],
        'decoder_hidden_size': 16,
        'n_codebooks': 3,
        'codebook_dim': 6,
    },
    'flat': {
        **SMALL,
        'encoder_hidden_size': 6,
        'downsampling_ratios': [8],
        'decoder_hidden_size': 8,
        'n_codebooks': 9,
        'sampling_rate': 44100,
    },
}
REFUSED = {
    'model_type': 'encodec',
    'downsampling_ratios': '2 4',
    'upsampling_ratios': [2, 4, 2, 2],
    'n_codebooks': 0,
}


@pytest.fixture(scope='module')
def load(tmp_path_factory):
  """By name: the published model, our model, and our params."""

  @functools.cache
  def load(name):
    reference = random_model(CONFIGS[name])
    folder = tmp_path_factory.mktemp(name)
    reference.save_pretrained(folder)
    return reference, *dac.convert(checkpoint.read(folder))

  return load


def random_model(settings):
  """Biases, slopes and codebooks say something; each level leaves some over."""
  # Also what the model itself draws.
  transformers.set_seed(0)
  model = transformers.DacModel(transformers.DacConfig(**settings))
  published.randomize(model)
  model.eval()
  with torch.no_grad():
    for name, tensor in model.named_parameters():
      if name.endswith('alpha'):
        tensor += 0.3 * torch.rand_like(tensor)
      elif tensor.ndim == 3:
        # Sines of large numbers would make noise of rounding errors.
        scale = (0.5 if 'decoder' in name else 1.0) / tensor[0].numel() ** 0.5
        tensor.copy_(scale * torch.randn_like(tensor))
      elif 'codebook' in name:
        tensor.copy_(torch.randn_like(tensor))
  return model


def reference_codes(reference, waveform):
  """All levels, 'B T Q'."""
  with torch.no_grad():
    codes = reference.encode(torch.tensor(waveform)[:, None]).audio_codes
  return codes.numpy().swapaxes(1, 2)


@pytest.mark.parametrize('name', CONFIGS)
def test_codes_are_the_published_ones_whatever_the_company(load, name):
  reference, model, params = load(name)
  clips, batch, lengths = published.batch(model.hop_length)
  codes = published.apply(model, 'encode', params, batch, lengths)
  assert codes.dtype == np.int32
  assert all(
      len(np.unique(level)) > 3
      for level in codes.reshape(-1, codes.shape[-1]).T
  )
  for clip, row in zip(clips, codes, strict=True):
    wanted = reference_codes(reference, clip[None])[0]
    assert wanted.shape == (len(clip) // model.hop_length, model.num_quantizers)
    np.testing.assert_array_equal(row[: len(wanted)], wanted)
    assert not row[len(wanted) :].any()


@pytest.mark.parametrize('name', CONFIGS)
@pytest.mark.parametrize('num_levels', [1, None])
def test_waveforms_are_the_published_ones(load, name, num_levels):
  reference, model, params = load(name)
  shape = 2, 9, model.num_quantizers
  codes = np.random.default_rng(0).integers(0, model.codebook_size, shape)
  codes = codes[..., :num_levels]
  with torch.no_grad():
    decoded = reference.decode(audio_codes=torch.tensor(codes).swapaxes(1, 2))
  wanted = decoded.audio_values.numpy()
  found = published.apply(model, 'decode', params, codes)
  assert found.shape == (2, 9 * model.hop_length)
  # Odd strides lose samples at the end.
  lost = found.shape[1] - wanted.shape[1]
  assert lost == 0 if name != 'odd' else lost > 0
  assert not found[:, wanted.shape[1] :].any()
  error = published.relative_error(found[:, : wanted.shape[1]], wanted)
  assert error < 1e-5


def test_vectors_of_levels_add_up(load):
  reference, model, params = load('even')
  codes = np.random.default_rng(1).integers(0, 32, (2, 4, 3))
  with torch.no_grad():
    frames = torch.tensor(codes).swapaxes(1, 2)
    wanted = reference.quantizer.from_codes(frames)[0].numpy().swapaxes(1, 2)
  found = published.apply(model, 'embed', params, codes)
  np.testing.assert_allclose(found, wanted, atol=1e-4, rtol=1e-5)


def test_the_model_is_rebuilt_from_its_fields(load):
  _, model, _ = load('odd')
  assert published.rebuilt(model) == model
  assert (model.sample_rate, model.hop_length) == (16000, 30)
  assert (model.num_quantizers, model.codebook_size) == (3, 32)


@pytest.mark.parametrize('name', REFUSED)
def test_what_is_not_supported_is_refused_by_name(load, name):
  config = {**load('even')[0].config.to_dict(), name: REFUSED[name]}
  with pytest.raises(UserError, match=name) as error:
    dac.convert(checkpoint.Checkpoint(config, {}))
  assert '\n' not in str(error.value)


def test_a_waveform_has_whole_frames(load):
  _, model, params = load('even')
  with pytest.raises(ValueError, match='not a multiple'):
    published.apply(model, 'encode', params, np.zeros((1, 17)), np.array([17]))


def test_weights_that_do_not_fit_are_refused_by_name(load, tmp_path):
  load('even')[0].save_pretrained(tmp_path)
  config, tensors = checkpoint.read(tmp_path)
  del tensors['decoder.block.1.snake1.alpha']
  with pytest.raises(UserError, match='lack decoder.block_1.snake1.alpha'):
    dac.convert(checkpoint.Checkpoint(config, tensors))
