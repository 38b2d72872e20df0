"""Tests audiolm_jax/bundle: bundle.py, folder.py and parts.py."""

import hashlib
import json

import jax
import numpy as np
import pytest
import safetensors.numpy
import tiny
from canary import Canary

from audiolm_jax import described
from audiolm_jax.bundle import folder as bundle_folder
from audiolm_jax.bundle import parts
from audiolm_jax.bundle.bundle import Bundle
from audiolm_jax.bundle.names import PARTS
from audiolm_jax.bundle.parts import Part
from audiolm_jax.errors import UserError
from audiolm_jax.tokens import stages
from audiolm_jax.training.checkpoints.loading import Model

ACOUSTIC_ONLY = stages.acoustic_only(tiny.SIZES, 2, 'time')
WHOLE = Bundle(
    tiny.bundle().parts
    | {
        'acoustic_only': tiny.language_model(ACOUSTIC_ONLY),
        'soundstorm': tiny.soundstorm(),
        'classifier': tiny.classifier(),
    }
)


@pytest.fixture
def saved(tmp_path):
  WHOLE.save(tmp_path / 'tiny', '# A card', float16=())
  return tmp_path / 'tiny'


def test_a_folder_alone_rebuilds_every_part(saved):
  loaded, original = Bundle.load(saved), WHOLE
  assert loaded.fingerprint == original.fingerprint
  assert loaded.semantic.fingerprint == original.semantic.fingerprint
  waveform = tiny.noise(1, 0.4)
  lengths = np.array([waveform.shape[1]], np.int32)
  np.testing.assert_array_equal(
      loaded.acoustic.encode(waveform, lengths),
      original.acoustic.encode(waveform, lengths),
  )
  for name, lm in original.language_models.items():
    again = loaded.language_model(name)
    assert again.stage == lm.stage
    assert again.model == lm.model
    jax.tree.map(np.testing.assert_array_equal, again.params, lm.params)
  again, storm = loaded.soundstorm, original.soundstorm
  assert (again.stage, again.model) == (storm.stage, storm.model)
  jax.tree.map(np.testing.assert_array_equal, again.params, storm.params)


def test_float16_halves_the_room_and_barely_moves_the_weights(saved, tmp_path):
  tiny.bundle().save(tmp_path / 'half', '', float16=('coarse',))
  name = 'coarse.safetensors'
  whole, half = (
      (folder / name).stat().st_size for folder in (saved, tmp_path / 'half')
  )
  assert half < 0.7 * whole
  jax.tree.map(
      lambda a, b: np.testing.assert_allclose(a, b, atol=1e-2, rtol=1e-3),
      Bundle.load(tmp_path / 'half').language_model('coarse').params,
      tiny.bundle().language_model('coarse').params,
  )
  assert Bundle.load(tmp_path / 'half').fingerprint != tiny.bundle().fingerprint


def test_weights_too_large_for_float16_are_refused(tmp_path):
  part = Part({'kind': 'x'}, {'params': {'w': np.full(3, 1e6, np.float32)}})
  with pytest.raises(UserError, match='float16'):
    parts.write(tmp_path / 'x.safetensors', part, 'float16')


def test_int8_takes_a_quarter_and_loads_as_the_same_model(saved, tmp_path):
  name = 'acoustic_tokenizer'
  tiny.bundle().save(tmp_path / 'quarter', '', int8=(name,))
  whole, quarter = (
      (folder / f'{name}.safetensors').stat().st_size
      for folder in (saved, tmp_path / 'quarter')
  )
  assert quarter < 0.45 * whole
  index = json.loads((tmp_path / 'quarter/bundle.json').read_text())
  assert index['format'] == 3
  loaded = Bundle.load(tmp_path / 'quarter')
  jax.tree.map(
      lambda a, b: np.testing.assert_allclose(
          a, b, atol=np.abs(b).max(initial=1e-3) / 100
      ),
      loaded.parts[name].arrays,
      tiny.bundle().parts[name].arrays,
  )
  # Written again it is the same model: nothing is rounded twice.
  loaded.save(tmp_path / 'again', '', int8=(name,))
  assert Bundle.load(tmp_path / 'again').fingerprint == loaded.fingerprint


def test_one_flipped_bit_is_noticed(saved):
  path = saved / 'semantic_tokenizer.safetensors'
  data = bytearray(path.read_bytes())
  data[-1] ^= 1
  path.write_bytes(data)
  with pytest.raises(
      UserError, match='semantic_tokenizer.safetensors is damaged'
  ):
    Bundle.load(saved)


def test_a_missing_part_is_named(saved):
  (saved / 'fine.safetensors').unlink()
  with pytest.raises(UserError, match='fine.safetensors'):
    Bundle.load(saved)


@pytest.mark.parametrize(
    'contents',
    [
        '',
        '[]',
        '{"format": 1}',
        '{"format": 9, "parts": {}}',
        '{"format": 2, "parts": 5}',
    ],
)
def test_a_damaged_or_newer_index_is_refused(saved, contents):
  (saved / 'bundle.json').write_text(contents)
  with pytest.raises(UserError, match='bundle.json') as error:
    Bundle.load(saved)
  assert '\n' not in str(error.value)


def test_a_part_with_an_unknown_field_is_refused(saved):
  index = json.loads((saved / 'bundle.json').read_text())
  del index['seal']
  index['parts']['acoustic_tokenizer']['config']['novelty'] = 1
  (saved / 'bundle.json').write_text(json.dumps(index))
  with pytest.raises(UserError, match='novelty'):
    Bundle.load(saved).tokenizers  # noqa: B018


def test_no_single_bit_of_an_index_may_flip(saved):
  path = saved / 'bundle.json'
  content = path.read_bytes()
  draws = np.random.default_rng(0)
  for position in draws.integers(8 * len(content), size=300):
    flipped = bytearray(content)
    flipped[position // 8] ^= 1 << (position % 8)
    path.write_bytes(flipped)
    try:
      found = bundle_folder.read(saved)
    except UserError as error:
      assert '\n' not in str(error) and 'bundle.json' in str(error)
    else:  # White space, which says nothing.
      assert {k: part.config for k, part in found.items()} == {
          k: part.config for k, part in WHOLE.parts.items()
      }


@pytest.mark.parametrize(
    'part, name, value, said',
    [
        ('semantic', 'num_layers', -1, 'num_layers'),
        ('semantic', 'num_layers', '4', 'num_layers'),
        ('semantic', 'vocab_size', 1e12, 'vocab_size'),
        ('semantic', 'vocab_size', 10**12, 'vocab_size'),
        ('semantic', 'dropout_rate', None, 'dropout_rate'),
        ('semantic', 'dtype', 'int8', 'dtype'),
        ('semantic', 'parent', None, 'parent'),
        ('semantic', 'name', 'x', 'name'),
        ('semantic', 'kind', 'os.system', 'os.system'),
        ('semantic', 'kind', 7, 'kind'),
        ('semantic', 'crop_seconds', -1, 'crop_seconds'),
        ('semantic', 'crop_seconds', 'long', 'crop_seconds'),
        ('semantic', 'temperature', -0.5, 'temperature'),
        ('semantic', 'tokenizers', {'semantic': 'no digits'}, 'tokenizers'),
        ('semantic', 'stage', [], 'stage'),
        ('acoustic_tokenizer', 'strides', [2, 0], 'strides'),
        ('acoustic_tokenizer', 'strides', 8, 'strides'),
        ('semantic_tokenizer', 'layer', -2, 'layer'),
    ],
)
def test_a_crafted_value_is_refused_by_name(saved, part, name, value, said):
  index = json.loads((saved / 'bundle.json').read_text())
  index['parts'][part]['config'][name] = value
  del index['seal']
  (saved / 'bundle.json').write_text(json.dumps(index))
  with pytest.raises(UserError, match=said) as error:
    bundle = Bundle.load(saved)
    _ = bundle.tokenizers, bundle.language_models
  assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    'field, value',
    [
        ('offset', -5),
        ('levels', [0]),
        ('levels', [0, -1]),
        ('codebook_size', 0),
        ('frames_per_second', 0),
        ('source', 'smell'),
        ('deduplicate', 1),
        ('novelty', 1),
    ],
)
def test_a_crafted_stage_is_refused_by_name(saved, field, value):
  index = json.loads((saved / 'bundle.json').read_text())
  index['parts']['semantic']['config']['stage']['target'][field] = value
  del index['seal']
  (saved / 'bundle.json').write_text(json.dumps(index))
  with pytest.raises(UserError, match=field):
    Bundle.load(saved)


def _safetensors(header, data=b''):
  if isinstance(header, dict):
    header = json.dumps(header).encode()
  return len(header).to_bytes(8, 'little') + header + data


def _entry(dtype, shape, stop):
  return {'dtype': dtype, 'shape': shape, 'data_offsets': [0, stop]}


CRAFTED_WEIGHTS = {
    'nothing': b'',
    'a cut length': b'\x08\0\0',
    'a header without end': (1 << 62).to_bytes(8, 'little') + b'{}',
    'no header': _safetensors(b'import os'),
    'an unknown type': _safetensors({'w': _entry('BF16', [2], 4)}, bytes(4)),
    'a type of no meaning': _safetensors({'w': _entry('X', [2], 4)}, bytes(4)),
    'too few bytes': _safetensors({'w': _entry('F32', [1 << 40], 4)}, bytes(4)),
    'an array that is a folder': safetensors.numpy.save(
        {'a': np.zeros(2), 'a/b': np.zeros(2)}
    ),
    'scales of another number': safetensors.numpy.save(
        {'w': np.zeros((9, 9), np.int8), 'w:scales': np.ones(1, np.float32)}
    ),
    'arrays of another model': safetensors.numpy.save(
        {'params/x/kernel': np.zeros((2, 2), np.float32)}
    ),
    'no arrays': safetensors.numpy.save({}),
}


@pytest.mark.parametrize(
    'weights', CRAFTED_WEIGHTS.values(), ids=CRAFTED_WEIGHTS
)
@pytest.mark.parametrize('part', PARTS)
def test_crafted_weights_with_a_digest_that_fits_are_refused(
    saved, part, weights
):
  _replace_weights(saved, part, weights)
  with pytest.raises(UserError, match=part) as error:
    _build_all(Bundle.load(saved))
  assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    'part, name, value',
    [
        ('semantic', 'num_layers', 10**6),
        ('semantic', 'num_layers', 0),
        ('semantic', 'num_heads', 0),
        ('semantic', 'embed_dim', 7),
        ('soundstorm', 'num_heads', 0),
        ('soundstorm', 'num_heads', 3),
        ('soundstorm', 'conv_kernel', 0),
        ('acoustic_tokenizer', 'strides', [1 << 24] * 4),
        ('acoustic_tokenizer', 'codebook_size', 1 << 24),
        ('semantic_tokenizer', 'num_mlm_layers', 1 << 20),
        ('classifier', 'channels', [1, 1, 1]),
    ],
)
def test_sizes_that_the_arrays_do_not_have_are_refused(
    saved, part, name, value
):
  index = json.loads((saved / 'bundle.json').read_text())
  index['parts'][part]['config'][name] = value
  del index['seal']
  (saved / 'bundle.json').write_text(described.write(index))
  with pytest.raises(UserError, match=part) as error:
    _build_all(Bundle.load(saved))
  assert '\n' not in str(error.value)


@pytest.mark.parametrize('part', PARTS)
def test_no_pickle_runs_from_a_bundle(saved, part, tmp_path):
  canary = Canary(tmp_path / 'sang')
  for weights in (canary.pickled, _safetensors(canary.pickled)):
    _replace_weights(saved, part, weights)
    with pytest.raises(UserError, match=part):
      Bundle.load(saved)
  (saved / 'bundle.json').write_bytes(canary.pickled)
  with pytest.raises(UserError, match='bundle.json'):
    Bundle.load(saved)
  canary.check_silent()


def _replace_weights(folder, part, weights):
  (folder / f'{part}.safetensors').write_bytes(weights)
  index = json.loads((folder / 'bundle.json').read_text())
  index['parts'][part]['sha256'] = hashlib.sha256(weights).hexdigest()
  del index['seal']
  (folder / 'bundle.json').write_text(described.write(index))


def _build_all(bundle):
  _ = bundle.tokenizers, bundle.language_models
  _ = bundle.soundstorm, bundle.classifier


@pytest.mark.parametrize('depth', [100, 100_000])
def test_nesting_without_end_is_refused(saved, depth):
  (saved / 'bundle.json').write_text('{"format":' * depth + '1' + '}' * depth)
  with pytest.raises(UserError, match='bundle.json'):
    Bundle.load(saved)


def test_a_run_is_told_from_a_bundle(tmp_path):
  (tmp_path / 'model.json').write_text('{}')
  with pytest.raises(UserError, match='audiolm bundle'):
    Bundle.load(tmp_path)
  with pytest.raises(UserError, match='nowhere'):
    Bundle.load(tmp_path / 'nowhere')


def test_names_stand_for_bundles_of_the_package(saved, monkeypatch):
  monkeypatch.setattr(bundle_folder, 'SHIPPED', saved.parent)
  assert Bundle.load('tiny').fingerprint == WHOLE.fingerprint


def test_tokenizers_alone_are_a_bundle():
  bundle = Bundle(
      {
          'acoustic_tokenizer': tiny.soundstream(),
          'semantic_tokenizer': tiny.w2v_bert(),
      }
  )
  assert bundle.tokenizers.sizes == tiny.SIZES
  with pytest.raises(UserError, match='no part coarse'):
    bundle.language_model('coarse')


def test_other_tokenizers_are_refused_and_both_are_named():
  trained = tiny.language_model(stages.semantic(tiny.SIZES))
  fingerprint = tiny.bundle().semantic.fingerprint
  trained.config['tokenizers'] = {'semantic': fingerprint}
  Bundle({'semantic': trained, 'semantic_tokenizer': tiny.w2v_bert()})
  other = Bundle({'semantic_tokenizer': tiny.w2v_bert(seed=1)})
  with pytest.raises(UserError, match=fingerprint) as error:
    Bundle({'semantic': trained, **other.parts})
  assert other.semantic.fingerprint in str(error.value)


def test_tokens_of_another_size_are_refused():
  sizes = tiny.SIZES._replace(acoustic_codebook_size=32)
  trained = tiny.language_model(stages.fine(sizes, num_coarse=2))
  with pytest.raises(UserError, match='fine learnt .*32 codes'):
    Bundle({'fine': trained, 'acoustic_tokenizer': tiny.soundstream()})


def test_a_soundstorm_of_other_tokenizers_is_refused():
  trained = tiny.soundstorm()
  fingerprint = tiny.bundle().semantic.fingerprint
  trained.config['tokenizers'] = {'semantic': fingerprint}
  Bundle({'soundstorm': trained, 'semantic_tokenizer': tiny.w2v_bert()})
  with pytest.raises(UserError, match=f'soundstorm learnt .*{fingerprint}'):
    other = tiny.w2v_bert(seed=1)
    Bundle({'soundstorm': trained, 'semantic_tokenizer': other})
  deeper = tiny.soundstorm(sizes=tiny.SIZES._replace(num_quantizers=5))
  with pytest.raises(UserError, match='soundstorm learnt .*level 5'):
    Bundle({'soundstorm': deeper, 'acoustic_tokenizer': tiny.soundstream()})


def test_a_bundle_without_soundstorm_says_so():
  with pytest.raises(UserError, match='no part soundstorm'):
    tiny.bundle().soundstorm  # noqa: B018


def test_a_checkpoint_of_soundstorm_is_a_part():
  trained = tiny.soundstorm()
  params = trained.arrays['params']
  for model in (
      Model(trained.config, params, {}),
      Model(trained.config, {'last': 1}, {'ema': params}),
  ):
    assert parts.from_checkpoint(model) == ('soundstorm', trained)


def test_a_checkpoint_sheds_what_only_training_needs():
  part = tiny.soundstream()
  model = Model(
      part.config,
      {'generator': part.arrays['params'], 'discriminator': {'w': 1}},
      {'codebooks': {'vectors': part.arrays['codebooks'], 'usage': 1}},
  )
  assert parts.from_checkpoint(model) == ('acoustic_tokenizer', part)


def test_a_bundle_gets_the_average_of_the_parameters():
  trained = tiny.language_model(stages.fine(tiny.SIZES, num_coarse=2))
  average = trained.arrays['params']
  model = Model(trained.config, {'last': 1}, {'ema': average})
  assert parts.from_checkpoint(model) == ('fine', trained)


@pytest.mark.parametrize('part', PARTS)
def test_training_can_start_from_a_part(saved, part):
  weights = bundle_folder.weights(saved, part)
  params = weights['params']
  found = params['generator'] if part == 'acoustic_tokenizer' else params
  stored = Bundle.load(saved).parts[part].arrays['params']
  jax.tree.map(np.testing.assert_array_equal, found, stored)


def test_codes_of_a_bundle_go_on_living_when_it_trains_on(saved):
  books = bundle_folder.weights(saved, 'acoustic_tokenizer')['mutables'][
      'codebooks'
  ]
  np.testing.assert_array_equal(
      books['vectors'], books['sums'] / books['usage'][..., None]
  )
  assert books['initialized']


def test_training_cannot_start_from_a_part_that_is_not_there(saved):
  with pytest.raises(UserError, match='no part middle; it has acoustic_tok'):
    bundle_folder.weights(saved, 'middle')


def test_a_model_without_clusters_or_stage_is_no_part_yet():
  with pytest.raises(UserError, match='audiolm cluster'):
    parts.from_checkpoint(Model({'kind': 'w2v_bert'}, {}, {}))
  with pytest.raises(UserError, match='stage_config'):
    parts.from_checkpoint(
        Model({'kind': 'language_model', 'stage': {}}, {}, {})
    )
  with pytest.raises(UserError, match='SoundStormTrainStep'):
    parts.from_checkpoint(Model({'kind': 'soundstorm', 'stage': {}}, {}, {}))


def test_a_run_of_semantic_vq_is_a_tokenizer_as_it_is(tmp_path):
  """There is nothing to cluster, and what only speaks stays behind."""
  part = tiny.semantic_vq()
  params = part.arrays['params'] | {'speaker': {'w': np.ones(2)}}
  books = {'codebooks': {'vectors': part.arrays['codebooks']}}
  name, found = parts.from_checkpoint(Model(part.config, params, books))
  assert name == 'semantic_tokenizer'
  assert found.arrays['params'].keys() == {'encoder', 'latent'}
  bundle = Bundle({name: found})
  bundle.save(tmp_path / 'semantic', '')
  again = Bundle.load(tmp_path / 'semantic').semantic
  assert again.fingerprint == bundle.semantic.fingerprint
  waveform = tiny.noise(1, 0.4)
  lengths = np.array([waveform.shape[1]], np.int32)
  ids = again.encode(waveform, lengths)
  assert ids.shape == (1, 20)
  np.testing.assert_array_equal(ids, bundle.semantic.encode(waveform, lengths))
