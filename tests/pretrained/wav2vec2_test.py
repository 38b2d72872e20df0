"""HuBERT and wav2vec 2.0 against transformers, and against themselves."""

import copy
import functools

import numpy as np
import pytest

from audiolm_jax.errors import UserError
from audiolm_jax.pretrained import wav2vec2, wav2vec2_frontend
from audiolm_jax.pretrained.checkpoint import Checkpoint

from . import speech_models

torch = pytest.importorskip('torch')
transformers = pytest.importorskip('transformers')

SMALL = {
    'hidden_size': 24,
    'num_hidden_layers': 3,
    'num_attention_heads': 3,
    'intermediate_size': 40,
    'conv_dim': (16,) * 7,
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
    'hubert base': ('Hubert', 'Model', {}),
    'hubert large': ('Hubert', 'ForCTC', LARGE),
    'hubert odd': (
        'Hubert',
        'Model',
        {**ODD, 'feat_proj_layer_norm': False, 'conv_bias': True},
    ),
    'wav2vec2 base': ('Wav2Vec2', 'ForPreTraining', {}),
    'wav2vec2 large': ('Wav2Vec2', 'Model', LARGE),
    'wav2vec2 odd': ('Wav2Vec2', 'ForCTC', {**ODD, **LARGE}),
    'wav2vec2 mixed': (
        'Wav2Vec2',
        'Model',
        {**GAPS, 'do_stable_layer_norm': True},
    ),
}
# Of a hop of 320 and of others: whole hops, and not.
CLIPS = speech_models.sounds(6400, 9001, 3)


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
  with torch.no_grad():
    states = model(
        torch.from_numpy(waveform[None]), output_hidden_states=True
    ).hidden_states
  return [state.numpy() for state in states]


def normalized(clip):
  extractor = transformers.Wav2Vec2FeatureExtractor()
  return extractor(clip, sampling_rate=16000).input_values[0]


@pytest.mark.parametrize('case', CASES)
def test_features_are_those_of_transformers(case, read):
  model, params = wav2vec2.convert(read(case))
  hop = model.hop_length
  lacking = wav2vec2_frontend.lacking(model.conv_kernels, model.conv_strides)
  waveform, lengths = speech_models.batch(CLIPS, hop)
  for layer in (0, 2, model.num_layers):
    ours = speech_models.apply_features(
        model, params, waveform, lengths, layer
    )
    assert ours.shape[1] * hop == waveform.shape[1]
    for clip, row in zip(CLIPS[:2], ours[:2], strict=True):
      clip = speech_models.extended(normalized(clip), hop, lacking)
      expected = hidden_states(case, clip)[layer][0]
      error = speech_models.relative_error(row[: len(expected)], expected)
      print(f'{case}, layer {layer}: {error:.1e}')
      assert error < 1e-4


@pytest.mark.parametrize('case', ['hubert base', 'wav2vec2 odd'])
def test_a_clip_hears_neither_padding_nor_company(case, read):
  model, params = wav2vec2.convert(read(case))
  hop = model.hop_length
  together = speech_models.apply_features(
      model, params, *speech_models.batch(CLIPS, hop, 40), model.num_layers
  )
  assert np.isfinite(together).all()
  for clip, row in zip(CLIPS, together, strict=True):
    alone = speech_models.apply_features(
        model, params, *speech_models.batch([clip], hop), model.num_layers
    )[0]
    np.testing.assert_allclose(row[: len(alone)], alone, atol=2e-5)
