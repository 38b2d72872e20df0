"""Tests of the files in gin/: every layer fits on every part."""

import json
import pathlib

import gin
import jax
import numpy as np
import pytest
import soundfile

from audiolm_jax import augment, corpus
from audiolm_jax.bundle import parts
from audiolm_jax.cli import gin_config
from audiolm_jax.training import program_costs
from audiolm_jax.training.state import sizes
from tests.tokens import random_store

GIN = pathlib.Path(__file__).parents[1] / 'gin'
SIZES = (None, 'small', 'tiny')
INITIAL = ["INITIAL_MODEL = 'piano'", "INITIAL_PART = 'acoustic_tokenizer'"]
BUNDLES = GIN.parent / 'audiolm_jax/bundles'


@pytest.fixture(autouse=True)
def clean_gin():
  gin.clear_config()
  yield
  gin.clear_config()


@pytest.fixture(name='manifest')
def fixture_manifest(tmp_path):
  soundfile.write(tmp_path / 'a.wav', np.zeros(16000), 16000)
  clip = {'path': 'a.wav', 'seconds': 1.0, 'source': 'test', 'licence': 'CC0'}
  lines = [json.dumps(clip | {'split': split}) for split in ('train', 'dev')]
  path = tmp_path / 'manifest.jsonl'
  path.write_text('\n'.join(lines))
  return path


def parse(*names, bindings=()):
  files = [str(GIN / f'{name}.gin') for name in names if name]
  gin_config.parse(files, ["MODEL_DIR = 'runs/x'", *bindings], [])


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('part', ['soundstream', 'w2v_bert', 'semantic_vq'])
def test_parts_that_hear_audio(part, size, manifest):
  parse(part, size, bindings=[f"MANIFEST = '{manifest}'"])
  arguments = gin_config.bound_arguments()
  assert arguments['train_step'].model_config()['kind'] == part


@pytest.mark.parametrize('size', [None, 'small'])
def test_the_codec_can_have_the_spectral_pair(size, manifest):
  parse('soundstream', size, 'spectral', bindings=[f"MANIFEST = '{manifest}'"])
  step = gin_config.bound_arguments()['train_step']
  assert step.model_config()['kind'] == 'spectral_soundstream'
  assert step.adversary is None and step.balancer_decay is None
  assert (step.model.frame_rate, step.model.num_quantizers) == (25.0, 12)


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize(
    'part', ['semantic', 'coarse', 'fine', 'acoustic_only', 'soundstorm']
)
def test_parts_that_read_tokens(part, size):
  parse(part, size, bindings=["TOKENS = 'tokens'"])
  assert gin.query_parameter('TRAIN_STEPS/macro.value') == 1_000_000


@pytest.mark.parametrize('library', ['seqio', 'grain'])
@pytest.mark.parametrize('part', ['coarse', 'soundstorm'])
def test_a_file_chooses_what_reads_tokens(part, library, tmp_path):
  random_store.write(tmp_path, {'train': [50] * 4, 'dev': [50] * 4})
  bindings = [f"TOKENS = '{tmp_path}'", 'CROP_SECONDS = 1.2']
  parse(part, 'tiny', f'data_{library}', bindings=bindings)
  arguments = gin_config.bound_arguments()
  for name in ('train_data', 'eval_data'):
    assert len(next(iter(arguments[name]())))
  readers = [
      line.partition(' = ')[2]
      for line in gin.operative_config_str().splitlines()
      if '.reader = ' in line
  ]
  kind = 'windows' if part == 'soundstorm' else 'sequences'
  assert readers == [f'@{library}_reader.{kind}'] * 2


def test_soundstorm_can_make_the_first_levels_alone(tmp_path):
  random_store.write(tmp_path, {'train': [50] * 4, 'dev': [50] * 4})
  bindings = [f"TOKENS = '{tmp_path}'", 'CROP_SECONDS = 1.2', 'NUM_LEVELS = 3']
  parse('soundstorm', 'tiny', bindings=bindings)
  arguments = gin_config.bound_arguments()
  model = arguments['train_step'].model
  assert model.num_quantizers == 3 < random_store.SIZES.num_quantizers
  assert next(iter(arguments['train_data']()))['acoustic'].shape[-1] == 3


@pytest.mark.parametrize('part', ['semantic', 'soundstorm'])
def test_what_learns_can_be_heard(part):
  bindings = ["TOKENS = 'tokens'", "HEAR_WITH = 'piano'"]
  parse(part, 'small', 'hear', bindings=[*bindings, "HEAR_PROMPTS = ['*.wav']"])
  step = {
      'semantic': 'language_model.LanguageModelTrainStep',
      'soundstorm': 'soundstorm_train_step.SoundStormTrainStep',
  }[part]
  hearing = gin.query_parameter(f'{step}.hearing').scoped_configurable_fn()
  assert hearing.bundle == 'piano' and hearing.prompts == ['*.wav']


@pytest.mark.parametrize(
    'part', ['semantic', 'coarse', 'fine', 'acoustic_only']
)
def test_a_language_model_can_be_planned_without_tokens(part):
  parse(part, 'tiny', 'no_tokens')
  arguments = gin_config.bound_arguments()
  batch = next(arguments['train_data']())
  config = arguments['train_step'].model_config()
  assert batch['inputs'].shape == (4, len(batch['positions']))
  assert config['stage']['name'] == part and not config['tokenizers']


@pytest.mark.parametrize('size', SIZES)
def test_soundstorm_can_be_planned_without_tokens(size):
  parse('soundstorm', size, 'no_frames', bindings=['BATCH_SIZE = 2'])
  arguments = gin_config.bound_arguments()
  model = arguments['train_step'].model
  assert (model.semantic_codebook_size, model.codebook_size) == (1024, 1024)
  batch = next(arguments['train_data']())
  assert batch['acoustic'].shape == (2, 1500, model.num_quantizers)
  if size is None:
    sizes = model.num_layers, model.num_heads, model.embed_dim, model.mlp_dim
    assert sizes == (12, 16, 1024, 4096) and model.conv_kernel == 5


@pytest.mark.parametrize('size', SIZES)
def test_the_papers_piano_has_three_large_codebooks(size, manifest):
  parse('soundstream', size, 'piano', bindings=[f"MANIFEST = '{manifest}'"])
  model = gin_config.bound_arguments()['train_step'].model
  assert (model.num_quantizers, model.codebook_size) == (3, 2**14)
  gin.clear_config()
  parse('coarse', size, 'piano', bindings=["TOKENS = 'tokens'"])
  assert gin.query_parameter('audiolm_jax.tokens.stages.coarse.num_coarse') == 3


@pytest.mark.parametrize('size', SIZES)
def test_a_decoder_is_sharpened_with_an_adversary(size, manifest):
  bindings = [f"MANIFEST = '{manifest}'", *INITIAL]
  parse('soundstream', size, 'decoder', bindings=bindings)
  arguments = gin_config.bound_arguments()
  step = arguments['train_step']
  assert step.decoder_only and step.quantize_from == 0
  assert step.adversary.start_step == 0
  weights = arguments['initial']()
  assert weights['mutables']['codebooks']['initialized']


@pytest.mark.parametrize('size', SIZES)
def test_a_codec_can_learn_to_leave_noise_out(size, manifest):
  bindings = [f"MANIFEST = '{manifest}'", f"NOISE_MANIFEST = '{manifest}'"]
  parse('soundstream', size, 'denoise', bindings=[*bindings, 'BATCH_SIZE = 2'])
  arguments = gin_config.bound_arguments()
  assert arguments['train_step'].model.denoising
  batch = next(arguments['train_data']())
  assert batch.keys() == {'waveform', 'length', 'target', 'denoise'}


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('part', ['soundstream', 'w2v_bert'])
def test_what_hears_audio_can_train_on_changed_crops(part, size, manifest):
  bindings = [
      f"MANIFEST = '{manifest}'",
      'BATCH_SIZE = 2',
      'CROP_SECONDS = 1.0',
  ]
  bindings += ['changes.Changes.echo_share = 0.7']
  parse(part, size, 'augment', bindings=bindings)
  arguments = gin_config.bound_arguments()
  batch = next(arguments['train_data']())
  assert isinstance(arguments['train_data'](), augment.AugmentedBatches)
  assert isinstance(arguments['eval_data'](), corpus.AudioBatches)
  assert batch['waveform'].shape == (2, 16000)
  assert gin.query_parameter('changes.Changes.echo_share') == 0.7


@pytest.mark.parametrize('size', SIZES)
def test_a_detector_and_a_speaker_classifier(size, manifest):
  lines = [json.loads(line) for line in manifest.read_text().splitlines()]
  more = [
      json.dumps(line | {'origin': origin, 'speaker': speaker})
      for line in lines
      for origin, speaker in (('original', 'x'), ('generated', 'y'))
  ]
  manifest.write_text('\n'.join(more))
  bindings = [f"MANIFEST = '{manifest}'", 'BATCH_SIZE = 2']
  for part, labels in (
      ('detector', ('original', 'generated', 'other')),
      ('speaker_classifier', ('x', 'y')),
  ):
    parse(part, size, bindings=bindings)
    arguments = gin_config.bound_arguments()
    model = arguments['train_step'].model
    assert model.labels == labels and len(model.channels) == 6
    assert next(arguments['train_data']())['label'].shape == (2,)
    assert next(arguments['eval_data']())['waveform'].shape == (2, 16000)
    gin.clear_config()


def shipped(bundle, part):
  """How a part of a bundle that comes with the package is built."""
  entries = json.loads((BUNDLES / bundle / 'bundle.json').read_text())
  return entries['parts'][part]['config']


def test_the_spectral_pair_is_the_codec_of_both_bundles(manifest):
  bindings = [f"MANIFEST = '{manifest}'", *INITIAL]
  parse('soundstream', 'small', 'spectral', 'finetune', bindings=bindings)
  made = sizes(gin_config.bound_arguments()['train_step'].model)
  for bundle in ('speech', 'piano'):
    assert made == sizes(parts.build(shipped(bundle, 'acoustic_tokenizer')))


@pytest.mark.parametrize(
    'bundle, part, layers, module',
    [
        ('speech', 'semantic', ('small',), 'Transformer'),
        ('speech', 'soundstorm', ('small', 'bundle'), 'SoundStorm'),
        ('piano', 'semantic', ('small',), 'Transformer'),
    ],
)
def test_the_sizes_are_those_of_what_is_shipped(bundle, part, layers, module):
  parse(part, *layers, bindings=["TOKENS = 'tokens'"])
  config = shipped(bundle, part)
  for name in ('num_layers', 'embed_dim', 'num_heads', 'mlp_dim'):
    assert gin.query_parameter(f'{module}.{name}') == config[name], name


def types(jaxpr):
  """Of what goes into matrix products and convolutions, as deep as they are."""
  for eqn in jaxpr.eqns:
    if eqn.primitive.name in ('dot_general', 'conv_general_dilated'):
      yield str(eqn.invars[0].aval.dtype)
    for inner in program_costs.bodies(eqn):
      yield from types(inner)


@pytest.mark.parametrize(
    'part, layer',
    [
        ('soundstream', None),
        ('soundstream', 'spectral'),
        ('w2v_bert', None),
        ('semantic', 'no_tokens'),
        ('soundstorm', 'no_frames'),
    ],
)
def test_accelerators_multiply_in_bfloat16(part, layer, manifest):
  hears = part in ('soundstream', 'w2v_bert')
  bindings = [f"MANIFEST = '{manifest}'"] if hears else []
  parse(part, 'tiny', layer, 'accelerator', bindings=bindings)
  arguments = gin_config.bound_arguments()
  learner, data = arguments['train_step'], arguments['train_data']
  batch, key = next(data() if callable(data) else data), jax.random.key(0)
  state = jax.eval_shape(learner.init, key, batch)
  assert {str(x.dtype) for x in jax.tree.leaves(state.params)} == {'float32'}
  step = jax.make_jaxpr(learner.step)(state, batch, key)
  found = list(types(step.jaxpr))
  assert found.count('bfloat16') > len(found) / 2
