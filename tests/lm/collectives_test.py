"""What devices send each other in a step of a language model."""

import collections
import re

import jax
import numpy as np
import pytest

from audiolm_jax.lm.train_step import LanguageModelTrainStep
from audiolm_jax.lm.transformer import Transformer
from audiolm_jax.nn import attention
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
# XLA of JAX 0.12 swaps the embedding but once where both axes have devices.
FSDP_AND_MODEL = {
    'all-gather': (4, 11),
    'all-reduce': (10, 9 + 7),
    'all-to-all': (2 if jax.__version_info__ < (0, 11) else 1, 0),
    'collective-permute': (2, 0),
}


# gin/accelerator.gin.
ACCELERATOR = {
    'dtype': 'bfloat16',
    'scan_layers': True,
    'remat_policy': 'minimal',
    'dropout_rate': 0.1,
}
# Layers are one loop forward and one backward, whatever their number. Each
# gathers the 9 arrays of a layer that is due, and the latter the two scales
# twice; the embedding is gathered for the lookup and for the logits.
FSDP_SCANNED = {'all-gather': 9 + 11 + 5, 'all-reduce': 9 + 3, 'all-to-all': 2}


def train_step(num_layers, num_microbatches=1, **settings):
  model = Transformer(
      vocab_size=64,
      num_layers=num_layers,
      embed_dim=32,
      num_heads=8,
      head_dim=4,
      mlp_dim=48,
      **{'dropout_rate': 0.0} | settings,
  )
  tx = optimizers.adafactor(0.1)
  return LanguageModelTrainStep(model, tx, num_microbatches=num_microbatches)


def batch(rows, length=16):
  ids = np.zeros((rows, length), np.int32)
  return {
      'inputs': ids,
      'targets': ids,
      'segment_ids': ids,
      'loss_weights': np.ones(ids.shape, np.float32),
      'positions': np.arange(length, dtype=np.int32),
  }


def program(num_layers, mesh, rules, rows=8, **settings):
  """The compiled step, as text."""
  partitioner = Partitioner(make_mesh(*mesh), rules)
  learner = train_step(num_layers, **settings)
  lowered = partitioner.lower(learner, KEY, partitioner.put(batch(rows)))
  return lowered.compile().as_text()


def sent(num_layers, mesh, rules, **settings):
  """Arrays of each kind; scalars are statistics of the optimizer."""
  found = collections.Counter()
  text = program(num_layers, mesh, rules, **settings)
  for shapes, kind in COLLECTIVE.findall(text):
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
def test_scanned_layers_are_gathered_when_they_are_due():
  """Were all gathered at once, fsdp would save no memory."""
  rules = standard_logical_axis_rules(fsdp=True)
  assert sent(3, (8, 1), rules, rows=16, **ACCELERATOR) == FSDP_SCANNED


@pytest.mark.slow
def test_a_piece_of_a_batch_sends_what_a_batch_does():
  rules = standard_logical_axis_rules()
  fixed, of_a_layer = DATA['all-reduce']
  found = sent(2, (8, 1), rules, rows=16, num_microbatches=2)
  assert found == {'all-reduce': fixed + 2 * of_a_layer}


@pytest.mark.slow
def test_one_copy_of_the_position_bias_would_be_sent_in_every_layer(
    monkeypatch,
):
  monkeypatch.setattr(attention, '_num_batch_shards', lambda: 1)
  found = fixed_and_per_layer((8, 1), standard_logical_axis_rules())
  assert found['all-reduce'][1] == DATA['all-reduce'][1] + 1
