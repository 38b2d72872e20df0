"""HuBERT and wav2vec 2.0 against transformers, and against themselves."""

import functools
import json
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audiolm_jax.errors import UserError
from audiolm_jax.pretrained import wav2vec2, wav2vec2_frontend
from audiolm_jax.pretrained.checkpoint import Checkpoint
from audiolm_jax.training.state import sizes

from . import speech_models

torch = pytest.importorskip('torch')
transformers = pytest.importorskip('transformers')

SMALL = {
    'hidden_size': 24,
    'num_hidden_layers': 2,
    'num_attention_heads': 3,
    'intermediate_size': 40,
    'conv_dim': (16, 16, 12),
    'conv_kernel': (10, 3, 2),
    'conv_stride': (5, 2, 2),
    'num_conv_pos_embeddings': 16,
    'num_conv_pos_embedding_groups': 4,
    'vocab_size': 8,
    'layer_norm_eps': 1e-5,
}
LARGE = {
    'feat_extract_norm': 'layer',
    'do_stable_layer_norm': True,
    'conv_bias': True,
}
# The public models' frames: 400 samples every 320.
PUBLIC = {
    'conv_dim': (16,) * 7,
    'conv_kernel': (10, 3, 3, 3, 3, 2, 2),
    'conv_stride': (5, 2, 2, 2, 2, 2, 2),
}
ODD = {
    'conv_dim': (12, 8, 20),
    'conv_kernel': (9, 4, 2),
    'conv_stride': (4, 3, 2),
    'hidden_size': 32,
    'num_attention_heads': 4,
    'num_conv_pos_embeddings': 7,
    'num_conv_pos_embedding_groups': 2,
    'hidden_act': 'gelu_new',
    'feat_extract_activation': 'relu',
    'layer_norm_eps': 1e-3,
}
# Kernels shorter than their strides: the last samples of a hop go unheard.
GAPS = {'conv_dim': (8, 8), 'conv_kernel': (3, 2), 'conv_stride': (5, 4)}
CASES = {
    'hubert base': ('Hubert', 'Model', PUBLIC),
    'hubert large': ('Hubert', 'ForCTC', LARGE),
    'hubert odd': (
        'Hubert',
        'Model',
        {**ODD, 'feat_proj_layer_norm': False, 'conv_bias': True},
    ),
    'wav2vec2 base': ('Wav2Vec2', 'ForPreTraining', {}),
    'wav2vec2 large': ('Wav2Vec2', 'Model', {**LARGE, **PUBLIC}),
    'wav2vec2 odd': ('Wav2Vec2', 'ForCTC', {**ODD, **LARGE}),
    'wav2vec2 mixed': (
        'Wav2Vec2',
        'Model',
        {**GAPS, 'do_stable_layer_norm': True},
    ),
}
# Of a hop of 320 and of others: whole hops, and not.
CLIPS = speech_models.sounds(6400, 7003, 3)


@functools.cache
def theirs(case):
  family, head, settings = CASES[case]
  config = getattr(transformers, f'{family}Config')(**{**SMALL, **settings})
  torch.manual_seed(1)
  return getattr(transformers, f'{family}{head}')(config)


@functools.cache
def imported(case, path):
  return speech_models.published(theirs(case), path)


@pytest.fixture(scope='module')
def read(tmp_path_factory):
  folder = tmp_path_factory.mktemp('models')
  return lambda case: imported(case, folder / case)


def hidden_states(case, waveform):
  model = theirs(case).base_model
  return speech_models.hidden_states(model, model.encoder.layers, waveform)


def normalized(clip):
  extractor = transformers.Wav2Vec2FeatureExtractor()
  return extractor(clip, sampling_rate=16000).input_values[0]


@pytest.mark.parametrize('case', CASES)
def test_features_are_those_of_transformers(case, read):
  model, params = wav2vec2.convert(read(case))
  hop, layers = model.hop_length, range(model.num_layers + 1)
  lacking = wav2vec2_frontend.lacking(model.conv_kernels, model.conv_strides)
  waveform, lengths = speech_models.batch(CLIPS[:2], hop)
  ours = speech_models.apply_features(model, params, waveform, lengths, layers)
  for row, clip in enumerate(CLIPS[:2]):
    clip = speech_models.extended(normalized(clip), hop, lacking)
    for layer, expected in enumerate(hidden_states(case, clip)):
      found = ours[layer][row, : len(expected)]
      error = speech_models.relative_error(found, expected)
      print(f'{case}, layer {layer}: {error:.1e}')
      assert error < 1e-4


@pytest.mark.parametrize('case', ['wav2vec2 base', 'wav2vec2 odd'])
def test_a_clip_hears_neither_padding_nor_company(case, read):
  model, params = wav2vec2.convert(read(case))
  hop, layers = model.hop_length, [model.num_layers]
  waveform, lengths = speech_models.batch(CLIPS, hop)
  more = np.full((len(CLIPS), 5 * hop), -0.4, np.float32)
  [together] = speech_models.apply_features(
      model, params, np.hstack([waveform, more]), lengths, layers
  )
  assert np.isfinite(together).all()
  for clip, row in zip(CLIPS[1:], together[1:], strict=True):
    [[alone]] = speech_models.apply_features(
        model, params, *speech_models.batch([clip], hop), layers
    )
    np.testing.assert_allclose(row[: len(alone)], alone, atol=2e-5)


def test_fields_of_json_rebuild_the_model(read):
  model, params = wav2vec2.convert(read('wav2vec2 base'))
  fields = json.loads(json.dumps(sizes(model)))
  rebuilt = wav2vec2.Wav2Vec2(**fields)
  waveform, lengths = speech_models.batch(CLIPS[2:], model.hop_length)
  a, b = (
      speech_models.apply_features(each, params, waveform, lengths, [1])[0]
      for each in (model, rebuilt)
  )
  np.testing.assert_array_equal(a, b)
  assert rebuilt.hop_length == 20 and rebuilt.frame_rate == 800


def test_the_defaults_are_the_base_models():
  model = wav2vec2.Wav2Vec2()
  assert (model.hop_length, model.frame_rate, model.num_layers) == (320, 50, 12)
  assert wav2vec2_frontend.lacking(model.conv_kernels, model.conv_strides) == 80


def test_the_preprocessor_may_leave_the_loudness(read):
  preprocessor = {'do_normalize': False, 'sampling_rate': 8000}
  model, _ = wav2vec2.convert(read('wav2vec2 base'), preprocessor)
  assert not model.normalize and model.sample_rate == 8000


REFUSED = {
    'another family': ({'model_type': 'wavlm'}, "model_type 'wavlm'"),
    'batch norm': ({'conv_pos_batch_norm': True}, 'conv_pos_batch_norm=true'),
    'adapter': ({'add_adapter': True}, 'add_adapter=true'),
    'language adapters': ({'adapter_attn_dim': 16}, 'adapter_attn_dim=16'),
    'norm': ({'feat_extract_norm': 'batch'}, 'feat_extract_norm="batch"'),
    'activation': ({'hidden_act': 'mish'}, 'hidden_act="mish"'),
    'type': ({'hidden_size': 'wide'}, 'hidden_size="wide"'),
    'type within': ({'conv_dim': [16, 16.0, 12]}, 'conv_dim=[16, 16.0, 12]'),
    'stride': ({'conv_stride': [5, 2, 0]}, 'should be positive'),
    'taps': ({'conv_kernel': [10, -3, 2]}, 'should be positive'),
    'width': ({'hidden_size': -24}, 'hidden_size=-24'),
    'no blocks': ({'num_hidden_layers': 0}, 'num_hidden_layers=0'),
    'epsilon': ({'layer_norm_eps': float('nan')}, 'layer_norm_eps=NaN'),
    'heads': ({'num_attention_heads': 5}, 'num_attention_heads=5'),
    'groups': ({'num_conv_pos_embedding_groups': 5}, 'embedding_groups=5'),
    'convolutions': ({'conv_stride': [5, 2]}, 'conv_stride'),
    'more layers': ({'num_hidden_layers': 3}, 'no tensor encoder.layers.2.'),
    'fewer layers': ({'num_hidden_layers': 1}, '16 tensors'),
    'another width': ({'intermediate_size': 41}, 'asks for 41 numbers'),
}


@pytest.mark.parametrize('case', REFUSED)
def test_what_is_not_supported_is_refused_by_name(case, read):
  settings, message = REFUSED[case]
  checkpoint = read('wav2vec2 base')
  config = {**checkpoint.config, **settings}
  with pytest.raises(UserError, match=re.escape(message)) as caught:
    wav2vec2.convert(Checkpoint(config, checkpoint.tensors))
  assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    'name', ['wav2vec2.masked_spec_embed', 'wav2vec2.mask_time_emb_vector']
)
def test_tensors_that_only_training_needs_may_be_there(name, read):
  checkpoint = read('wav2vec2 base')
  _, plain = wav2vec2.convert(checkpoint)
  tensors = {**checkpoint.tensors, name: np.zeros(24, np.float32)}
  _, params = wav2vec2.convert(Checkpoint(checkpoint.config, tensors))
  jax.tree.map(np.testing.assert_array_equal, params, plain)


PREPROCESSOR = {'sampling_rate': 0, 'do_normalize': 'yes'}


@pytest.mark.parametrize('name', PREPROCESSOR)
def test_what_the_preprocessor_cannot_mean_is_refused(name, read):
  match = re.escape(f'preprocessor_config.json has {name}=')
  with pytest.raises(UserError, match=match):
    wav2vec2.convert(read('wav2vec2 base'), {name: PREPROCESSOR[name]})


def test_layers_and_lengths_that_cannot_be_are_refused():
  model = wav2vec2.Wav2Vec2()
  with pytest.raises(UserError, match='no layer 13 .* 0 to 12'):
    model.features(jnp.zeros((1, 320)), jnp.array([320]), 13)
  with pytest.raises(ValueError, match='not a multiple of the hop length 320'):
    model.features(jnp.zeros((1, 321)), jnp.array([321]), 1)
