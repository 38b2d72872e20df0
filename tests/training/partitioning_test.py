"""Tests audiolm_jax/training/partitioning.py."""

import jax
import numpy as np
import optax
import pytest
from flax import linen as nn
from jax.sharding import PartitionSpec

from audiolm_jax.errors import UserError
from audiolm_jax.training import optimizers
from audiolm_jax.training.partitioning import (
    Partitioner,
    make_mesh,
    standard_logical_axis_rules,
)

from . import toy

KEY = jax.random.key(0)


def partitioner(data, model, fsdp=False):
  return Partitioner(make_mesh(data, model), standard_logical_axis_rules(fsdp))


def run(partitioner, num_steps=5, tx=None):
  data = toy.ToyData()
  compiled = partitioner.compile(toy.ToyTrainStep(tx), KEY, next(data))
  state = compiled.init()
  for _ in range(num_steps):
    state, metrics = compiled.step(state, partitioner.put(next(data)), KEY)
  return state, metrics


@pytest.mark.parametrize(
    'mesh', [(4, 1), (2, 2), (1, 4), (2, 2, True)], ids=str
)
@pytest.mark.parametrize('optimizer', [optimizers.adam, optimizers.adafactor])
def test_four_devices_do_what_one_does(mesh, optimizer):
  one, one_metrics = run(partitioner(1, 1), tx=optimizer(1e-2))
  four, four_metrics = run(partitioner(*mesh), tx=optimizer(1e-2))
  assert len(four.params['wi'].sharding.device_set) == 4
  jax.tree.map(
      lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6),
      (one, one_metrics),
      (four, four_metrics),
  )


def test_parameters_and_moments_lie_alike_on_the_mesh():
  state, _ = run(partitioner(2, 2, fsdp=True))
  moments = state.opt_state[1][0]
  for tree in (state.params, moments.mu, moments.nu):
    assert tree['wi'].sharding.spec == PartitionSpec('data', 'model')
    assert tree['wo'].sharding.spec == PartitionSpec('model', 'data')
  assert moments.count.sharding.is_fully_replicated


def test_what_has_another_shape_than_its_parameter_is_replicated():
  train_step = toy.ToyTrainStep(optax.adafactor(min_dim_size_to_factor=4))
  shardings = partitioner(2, 2).state_shardings(
      train_step, KEY, next(toy.ToyData())
  )
  rows = shardings.opt_state[0].v_row
  assert rows['wi'].is_fully_replicated and rows['wo'].is_fully_replicated


class TwoOptimizers(toy.ToyTrainStep):
  """A part has its optimizer, as the discriminator of a codec has."""

  def variables(self, key, batch):
    variables = super().variables(key, batch)
    return variables | {'params': {'part': variables['params']}}

  def init(self, key, batch):
    state = super().init(key, batch)
    return state.replace(opt_state={'part': self.tx.init(state.params['part'])})


def test_an_optimizer_of_one_part_is_sharded_like_that_part():
  shardings = partitioner(2, 2).state_shardings(
      TwoOptimizers(), KEY, next(toy.ToyData())
  )
  moments = shardings.opt_state['part'][1][0]
  assert moments.mu['wi'].spec == PartitionSpec(None, 'model')


def test_the_old_state_is_given_away():
  with_mesh, data = partitioner(2, 2), toy.ToyData()
  compiled = with_mesh.compile(toy.ToyTrainStep(), KEY, next(data))
  state = compiled.init()
  compiled.step(state, with_mesh.put(next(data)), KEY)
  assert all(leaf.is_deleted() for leaf in jax.tree.leaves(state.params))


def test_constraints_by_logical_name_take_effect():
  with_mesh, batch = partitioner(2, 2), next(toy.ToyData())
  train_step = toy.ToyTrainStep()
  state = train_step.init(KEY, batch)

  def constraints():
    jaxpr = jax.make_jaxpr(train_step.evaluate)(state, batch)
    return str(jaxpr).count('sharding_constraint')

  assert constraints() == 0
  with with_mesh.context():
    assert constraints() > 0


def test_rows_are_spread_and_what_they_share_is_not():
  batch = partitioner(4, 1).put({'x': np.ones((8, 2)), 'positions': np.ones(3)})
  assert batch['x'].sharding.spec == PartitionSpec('data')
  assert batch['positions'].sharding.is_fully_replicated


def test_a_batch_that_does_not_divide_is_refused():
  with pytest.raises(UserError, match='batch of 6'):
    partitioner(4, 1).put({'x': np.ones((6, 2))})


class Misnamed(nn.Module):
  """Has an axis that no rule knows."""

  @nn.compact
  def __call__(self, x):
    init = nn.with_logical_partitioning(nn.initializers.ones, ('embde', None))
    return x @ self.param('w', init, (toy.WIDTH, 3))


def test_an_unknown_axis_name_is_refused():
  train_step = toy.ToyTrainStep(model=Misnamed())
  with pytest.raises(UserError, match="params/w .*'embde'"):
    partitioner(2, 2).state_shardings(train_step, KEY, next(toy.ToyData()))


class Odd(nn.Module):
  """Has an axis of three."""

  @nn.compact
  def __call__(self, x):
    init = nn.with_logical_partitioning(nn.initializers.ones, (None, 'mlp'))
    return x @ self.param('w', init, (toy.WIDTH, 3))


def test_a_size_that_does_not_divide_is_refused():
  train_step = toy.ToyTrainStep(model=Odd())
  with pytest.raises(UserError, match=r'params/w of shape \(8, 3\)'):
    partitioner(2, 2).state_shardings(train_step, KEY, next(toy.ToyData()))


@pytest.mark.parametrize('data, model', [(16, 1), (3, 3), (-1, 16)])
def test_a_mesh_without_its_devices_is_refused(data, model):
  with pytest.raises(UserError, match='8 devices'):
    make_mesh(data, model)


def test_one_process_reads_the_whole_batch():
  assert partitioner(2, 2).data_layout == (0, 1)


def test_fsdp_spreads_the_embedding():
  assert dict(standard_logical_axis_rules(fsdp=True))['embed'] == 'data'
  assert dict(standard_logical_axis_rules())['embed'] is None
