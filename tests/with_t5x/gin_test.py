"""Tests gin/t5x_*.gin, with functions in the place of t5x's."""

import inspect
import pathlib
import sys
import types

import gin
import numpy as np
import pytest
import seqio

from audiolm_jax.t5x import parameters
from audiolm_jax.t5x.converter import T5XFeatureConverter
from tests.tokens import random_store
from tests.with_t5x import published

ROOT = pathlib.Path(__file__).parents[2]
# Arguments of what the run files bind, as t5x names them.
SIGNATURES = {
    'adafactor': {
        'Adafactor': (
            'learning_rate decay_rate step_offset logical_factor_rules'
        ),
        'standard_logical_factor_rules': '',
    },
    'gin_utils': {'summarize_gin_config': 'model_dir summary_writer step'},
    'models': {
        'DecoderOnlyModel': (
            'module vocabulary optimizer_def decode_fn'
            ' inputs_bidirectional_attention feature_converter_cls'
            ' label_smoothing z_loss loss_normalizing_factor'
        )
    },
    'partitioning': {
        'PjitPartitioner': (
            'num_partitions model_parallel_submesh params_on_devices'
            ' logical_axis_rules'
        ),
        'standard_logical_axis_rules': '',
    },
    'trainer': {
        'Trainer': (
            'model train_state partitioner eval_names summary_dir rng'
            ' learning_rate_fn num_microbatches weight_metrics_computer'
        )
    },
    'utils': {
        'CheckpointConfig': 'save restore',
        'SaveCheckpointConfig': 'dtype period keep save_dataset',
        'RestoreCheckpointConfig': 'path mode',
        'DatasetConfig': (
            'mixture_or_task_name task_feature_lengths split batch_size shuffle'
            ' seed use_cached pack module use_custom_packing_ops'
        ),
        'create_learning_rate_scheduler': (
            'factors base_learning_rate warmup_steps'
        ),
    },
    'examples.decoder_only.network': {
        'DecoderWrapper': 'config',
        'TransformerConfig': (
            'vocab_size dtype emb_dim num_heads num_layers head_dim mlp_dim'
            ' mlp_activations dropout_rate logits_via_embedding'
        ),
    },
}
ARGUMENTS = (
    'model model_dir train_dataset_cfg train_eval_dataset_cfg'
    ' infer_eval_dataset_cfg checkpoint_cfg partitioner trainer_cls total_steps'
    ' eval_steps eval_period random_seed use_hardware_rng summarize_config_fn'
)


def stand_in(module, name, arguments):
  """A function that returns what it was called with."""

  def called(**values):
    return values

  called.__name__ = called.__qualname__ = name
  called.__module__ = module
  called.__signature__ = inspect.Signature(
      [
          inspect.Parameter(argument, inspect.Parameter.KEYWORD_ONLY)
          for argument in arguments.split()
      ]
  )
  return called


def stand_ins():
  """t5x's modules by name, with such functions in them."""
  parents = ('t5x', 't5x.examples', 't5x.examples.decoder_only')
  names = [*parents, *(f't5x.{module}' for module in SIGNATURES)]
  made = {name: types.ModuleType(name) for name in names}
  for name, module in made.items():
    module.__path__ = []
    parent, _, last = name.rpartition('.')
    if parent:
      setattr(made[parent], last, module)
    functions = SIGNATURES.get(name.removeprefix('t5x.'), {})
    for function, arguments in functions.items():
      setattr(module, function, stand_in(name, function, arguments))
  return made


# Gin remembers what it has configured for as long as the process lives.
MODULES = stand_ins()
TRAIN = stand_in('__main__', 'train', ARGUMENTS)


@pytest.fixture(autouse=True)
def t5x(monkeypatch):
  monkeypatch.setattr(seqio.TaskRegistry, '_REGISTRY', {})
  for name, module in MODULES.items():
    monkeypatch.setitem(sys.modules, name, module)
  main = sys.modules['__main__']
  monkeypatch.setattr(main, 'train', TRAIN, raising=False)
  gin.clear_config()
  yield
  gin.clear_config()


@pytest.fixture(name='token_dir')
def fixture_token_dir(tmp_path):
  (tmp_path / 'store').mkdir()
  random_store.write(tmp_path / 'store', {'train': [300], 'dev': [90]}, 1)
  return str(tmp_path / 'store')


def arguments(stage, token_dir, tmp_path, *bindings):
  """What a run file makes of t5x's `train`."""
  gin.add_config_file_search_path(str(ROOT))
  bindings = [
      f'TOKENS = {token_dir!r}',
      f"MODEL_DIR = '{tmp_path}/run'",
      *(['stages.fine.num_coarse = 2'] if stage == 'fine' else []),
      *bindings,
  ]
  files = [f'gin/t5x_{stage}.gin']
  gin.parse_config_files_and_bindings(files, bindings)
  return gin.get_bindings(TRAIN)


@pytest.mark.parametrize('stage', ['semantic', 'coarse', 'fine'])
def test_a_run_file_sets_all_that_t5x_asks_for(stage, token_dir, tmp_path):
  made = arguments(stage, token_dir, tmp_path)
  assert made.keys() == set(ARGUMENTS.split()) - {'use_hardware_rng'}
  config = made['model']['module']['config']
  sizes = [
      config[name]
      for name in ('num_layers', 'emb_dim', 'num_heads', 'head_dim', 'mlp_dim')
  ]
  assert sizes == [12, 1024, 16, 64, 4096]
  assert config['vocab_size'] == made['model']['vocabulary'].vocab_size
  converter = made['model']['feature_converter_cls']
  assert issubclass(converter, T5XFeatureConverter)
  assert (tmp_path / 'run/stage.json').is_file()
  for data in (made['train_dataset_cfg'], made['train_eval_dataset_cfg']):
    assert data['mixture_or_task_name'] == f'audiolm/{stage}'


def test_t5x_gets_batches_of_what_it_is_told(token_dir, tmp_path):
  bindings = 'BATCH_SIZE = 3', 'CROP_SECONDS = 2.0'
  made = arguments('coarse', token_dir, tmp_path, *bindings)
  data = made['train_dataset_cfg']
  # As t5x's utils.get_dataset asks for it.
  dataset = seqio.get_dataset(
      mixture_or_task_name=data['mixture_or_task_name'],
      task_feature_lengths=data['task_feature_lengths'],
      dataset_split=data['split'],
      shuffle=data['shuffle'],
      num_epochs=None,
      feature_converter=made['model']['feature_converter_cls'](
          pack=data['pack'], use_custom_packing_ops=False
      ),
      shard_info=seqio.ShardInfo(0, 1),
      use_cached=data['use_cached'],
      seed=1,
      trim_output_features=True,
      batch_size=data['batch_size'],
  )
  batch = next(dataset.as_numpy_iterator())
  length = made['train_eval_dataset_cfg']['task_feature_lengths']['targets']
  assert {array.shape for array in batch.values()} == {(3, length)}
  targets = batch['decoder_target_tokens']
  assert targets.max() < made['model']['vocabulary'].vocab_size
  # Four levels of 50 frames a second; a crop may reach beyond the end.
  assert batch['decoder_loss_weights'].sum(axis=1).max() == 2 * 50 * 4
  # Nothing of a row is hidden: padding is all at its end.
  assert (np.diff((targets > 0).astype(int), axis=1) <= 0).all()


def test_a_network_of_these_files_can_be_imported(token_dir, tmp_path):
  bindings = 'NUM_LAYERS = 2', 'EMBED_DIM = 16', 'NUM_HEADS = 2'
  bindings += 'HEAD_DIM = 8', 'MLP_DIM = 24'
  made = arguments('coarse', token_dir, tmp_path, *bindings)
  config = made['model']['module']['config']
  assert config['mlp_activations'] == ('gelu', 'linear')
  assert config['logits_via_embedding'] is True
  # The names that such a network has are those that published.py writes.
  names = {t.theirs for t in parameters.tensors(config['num_layers'])}
  assert names == published.parameters().keys()
