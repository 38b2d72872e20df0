"""What devices send each other in a step of a language model."""

import collections
import re

import jax
import numpy as np
import pytest

from audiolm_jax import attention
from audiolm_jax.lm.language_model import LanguageModelTrainStep
from audiolm_jax.lm.transformer import Transformer
from audiolm_jax.training import optimizers
from audiolm_jax.training.partitioning import (
    Partitioner,
    make_mesh,
    standard_logical_axis_rules,
)

KEY = jax.random.key(0)
COLLECTIVE = re.compile(
    r'= (.*?) (all-reduce|all-gather|reduce-scatter|all-to-all'
    r'|collective-permute)\('
)


# Arrays sent in a step: (whatever the depth, more for each layer).
#
# Pure data parallelism sends gradients: of 7 kernels and 2 scales a layer, of
# the last scale, of the buckets of distances, and of the embedding as it is
# read and as it makes logits.
DATA = {'all-reduce': (4, 9)}
# Kernels are gathered once and scales twice; the lookup swaps columns of the
# embedding for rows and back. The CPU's compiler has no reduce-scatter.
FSDP = {'all-gather': (4, 11), 'all-reduce': (3, 9), 'all-to-all': (2, 0)}
# Megatron-LM: the outputs of attention and MLP, then the gradients of their
# inputs, once for each product that reads them (3 and 2; compilers for
# accelerators add these up first). Besides: the lookup, two maxima and the sum
# over the vocabulary, the target's logit, the gradient of the last vector.
MODEL = {'all-reduce': (6, 7)}
DATA_AND_MODEL = {'all-reduce': (4 + 6, 9 + 7)}
FSDP_AND_MODEL = {
    'all-gather': (4, 11),
    'all-reduce': (10, 9 + 7),
    'all-to-all': (2, 0),
    'collective-permute': (2, 0),
}


def train_step(num_layers):
  model = Transformer(
      vocab_size=64,
      num_layers=num_layers,
      embed_dim=32,
      num_heads=8,
      head_dim=4,
      mlp_dim=48,
      dropout_rate=0.0,
  )
  return LanguageModelTrainStep(model, optimizers.adafactor(0.1))


def batch(length=16):
  ids = np.zeros((8, length), np.int32)
  return {
      'inputs': ids,
      'targets': ids,
      'segment_ids': ids,
      'loss_weights': np.ones((8, length), np.float32),
      'positions': np.arange(length, dtype=np.int32),
  }


def program(num_layers, mesh, rules):
  """The compiled step, as text."""
  partitioner = Partitioner(make_mesh(*mesh), rules)
  learner, rows = train_step(num_layers), partitioner.put(batch())
  return partitioner.lower(learner, KEY, rows).compile().as_text()


def sent(num_layers, mesh, rules):
  """Arrays of each kind; scalars are statistics of the optimizer."""
  found = collections.Counter()
  for shapes, kind in COLLECTIVE.findall(program(num_layers, mesh, rules)):
    arrays = re.findall(r'\w\[\d[\d,]*\]', shapes)
    # One array goes all-to-all in as many pieces as there are devices.
    found[kind] += bool(arrays) if kind == 'all-to-all' else len(arrays)
  return found


def fixed_and_per_layer(mesh, rules):
  one, two = (sent(n, mesh, rules) for n in (1, 2))
  return {k: (2 * one[k] - two[k], two[k] - one[k]) for k in one if one[k]}


@pytest.mark.slow
@pytest.mark.parametrize(
    'mesh, fsdp, expected',
    [
        ((8, 1), False, DATA),
        ((8, 1), True, FSDP),
        ((1, 8), False, MODEL),
        ((2, 4), False, DATA_AND_MODEL),
        ((2, 4), True, FSDP_AND_MODEL),
    ],
    ids=str,
)
def test_devices_send_what_the_layout_implies(mesh, fsdp, expected):
  rules = standard_logical_axis_rules(fsdp)
  assert fixed_and_per_layer(mesh, rules) == expected


@pytest.mark.slow
def test_one_copy_of_the_position_bias_would_be_sent_in_every_layer(
    monkeypatch,
):
  monkeypatch.setattr(attention, '_num_batch_shards', lambda: 1)
  found = fixed_and_per_layer((8, 1), standard_logical_axis_rules())
  assert found['all-reduce'][1] == DATA['all-reduce'][1] + 1
