"""w2v-BERT 2.0 against transformers, and against itself."""

import functools
import json
import re

import jax.numpy as jnp
import numpy as np
import pytest

from audiolm_jax.errors import UserError
from audiolm_jax.pretrained import w2v_bert_2
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
    'vocab_size': 8,
}
CASES = {
    'public': ('Model', {}),
    'near': (
        'ForCTC',
        {
            'left_max_position_embeddings': 5,
            'right_max_position_embeddings': 2,
            'conv_depthwise_kernel_size': 7,
            'hidden_act': 'gelu',
            'num_attention_heads': 4,
        },
    ),
    'nowhere': (
        'ForXVector',
        {
            'position_embeddings_type': None,
            'conv_depthwise_kernel_size': 3,
            'layer_norm_eps': 1e-3,
        },
    ),
}
CLIPS = speech_models.sounds(9600, 6405, 5600, 3)


@functools.cache
def theirs(case):
  head, settings = CASES[case]
  config = transformers.Wav2Vec2BertConfig(**{**SMALL, **settings})
  torch.manual_seed(1)
  return getattr(transformers, f'Wav2Vec2Bert{head}')(config)


@functools.cache
def imported(case, path):
  return speech_models.published(theirs(case), path)


@pytest.fixture(scope='module')
def read(tmp_path_factory):
  folder = tmp_path_factory.mktemp('models')
  return lambda case: imported(case, folder / case)


@pytest.mark.parametrize(
    'case', [pytest.param('public', marks=pytest.mark.slow), 'near', 'nowhere']
)
def test_features_are_those_of_transformers(case, read):
  """From the waveform on, in all frames that transformers has."""
  model, params = w2v_bert_2.convert(read(case))
  waveform, lengths = speech_models.batch(CLIPS, 320)
  layers = range(model.num_layers + 1)
  ours = speech_models.apply_features(model, params, waveform, lengths, layers)
  base = theirs(case).base_model
  for row, clip in enumerate(CLIPS[:3]):
    mel = speech_models.extracted(clip)
    expected = speech_models.hidden_states(base, base.encoder.layers, mel)
    for layer, state in enumerate(expected):
      error = speech_models.relative_error(ours[layer][row, : len(mel)], state)
      print(f'{case}, {len(clip)} samples, layer {layer}: {error:.1e}')
      assert error < 1e-4


@pytest.mark.slow
def test_a_clip_hears_neither_padding_nor_company(read):
  model, params = w2v_bert_2.convert(read('near'))
  waveform, lengths = speech_models.batch(CLIPS, 320)
  more = np.full((len(CLIPS), 5 * 320), -0.4, np.float32)
  [together] = speech_models.apply_features(
      model, params, np.hstack([waveform, more]), lengths, [2]
  )
  assert np.isfinite(together).all()
  [[alone]] = speech_models.apply_features(
      model, params, *speech_models.batch(CLIPS[1:2], 320), [2]
  )
  np.testing.assert_allclose(together[1, : len(alone)], alone, atol=2e-5)


def test_fields_of_json_rebuild_the_model(read):
  model, _ = w2v_bert_2.convert(read('near'), {'sampling_rate': 8000})
  rebuilt = w2v_bert_2.W2vBert2(**json.loads(json.dumps(sizes(model))))
  assert rebuilt == model
  assert (rebuilt.max_left, rebuilt.conv_kernel) == (5, 7)
  assert (rebuilt.hop_length, rebuilt.frame_rate) == (320, 25)


REFUSED = {
    'another family': ({'model_type': 'hubert'}, {}, "model_type 'hubert'"),
    'adapter': ({'add_adapter': True}, {}, 'add_adapter=true'),
    'positions': (
        {'position_embeddings_type': 'rotary'},
        {},
        'position_embeddings_type="rotary"',
    ),
    'activation': ({'hidden_act': 'mish'}, {}, 'hidden_act="mish"'),
    'heads': ({'num_attention_heads': 5}, {}, 'num_attention_heads=5'),
    'mels': ({}, {'num_mel_bins': 40}, 'makes 2 x 40 numbers'),
    'stride': ({}, {'stride': 4}, 'makes 4 x 80 numbers'),
    'no rate': ({}, {'sampling_rate': 0}, 'preprocessor_config.json has'),
    'taps': ({'conv_depthwise_kernel_size': 0}, {}, 'kernel_size=0'),
    'behind': (
        {'left_max_position_embeddings': -100},
        {},
        'left_max_position_embeddings=-100',
    ),
    'rate': ({}, {'sampling_rate': None}, 'sampling_rate=null'),
    'more layers': ({'num_hidden_layers': 3}, {}, 'encoder.layers.2.'),
    'fewer layers': ({'num_hidden_layers': 1}, {}, 'encoder.layers.1.'),
    'distances': (
        {'left_max_position_embeddings': 63},
        {},
        'distance_embedding.weight',
    ),
}


@pytest.mark.parametrize('case', REFUSED)
def test_what_is_not_supported_is_refused_by_name(case, read):
  settings, preprocessor, message = REFUSED[case]
  checkpoint = read('public')
  config = {**checkpoint.config, **settings}
  with pytest.raises(UserError, match=re.escape(message)) as caught:
    w2v_bert_2.convert(Checkpoint(config, checkpoint.tensors), preprocessor)
  assert '\n' not in str(caught.value)


def test_layers_and_lengths_that_cannot_be_are_refused():
  model = w2v_bert_2.W2vBert2()
  with pytest.raises(UserError, match='no layer 25 .* 0 to 24'):
    model.features(jnp.zeros((1, 320)), jnp.array([320]), 25)
  with pytest.raises(ValueError, match='not a multiple of the hop length 320'):
    model.features(jnp.zeros((1, 321)), jnp.array([321]), 1)
