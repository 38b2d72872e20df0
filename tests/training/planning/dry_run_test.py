"""Tests audiolm_jax/training/planning/{dry_run,report}.py."""

import dataclasses

import jax
import numpy as np
import pytest

from audiolm_jax.errors import UserError
from audiolm_jax.lm.train_step import LanguageModelTrainStep
from audiolm_jax.lm.transformer import Transformer
from audiolm_jax.training import devices, optimizers, program_costs
from audiolm_jax.training.partitioning import (
    Partitioner,
    make_mesh,
    standard_logical_axis_rules,
)
from audiolm_jax.training.planning import dry_run
from audiolm_jax.training.planning.report import advice, report

from .. import toy

KEY = jax.random.key(0)
DEVICE = devices.find('tpu-v4')


def partitioner(data, model, num_described=None, fsdp=True):
  mesh = make_mesh(data, model, num_described)
  return Partitioner(mesh, standard_logical_axis_rules(fsdp))


def toy_plan(data=2, model=2, **kwargs):
  described = partitioner(data, model, data * model, **kwargs)
  return dry_run.plan(toy.ToyTrainStep(), toy.ToyData, DEVICE, described)


def language_model(**kwargs):
  transformer = Transformer(
      vocab_size=64,
      num_layers=2,
      embed_dim=64,
      num_heads=4,
      head_dim=16,
      mlp_dim=256,
      **kwargs,
  )
  return LanguageModelTrainStep(transformer, optimizers.adafactor(0.1))


def rows_of_ids(num_rows, length):
  rows = jax.ShapeDtypeStruct((num_rows, length), np.int32)
  return {
      'inputs': rows,
      'targets': rows,
      'segment_ids': rows,
      'loss_weights': rows.update(dtype=np.float32),
      'positions': jax.ShapeDtypeStruct((length,), np.int32),
  }


def trace(train_step, batch):
  state = jax.eval_shape(train_step.init, KEY, batch)
  return jax.make_jaxpr(train_step.step)(state, batch, KEY).jaxpr


def flops(num_rows, length=8, **kwargs):
  step = trace(language_model(**kwargs), rows_of_ids(num_rows, length))
  return program_costs.flops(step)


@pytest.mark.parametrize('fsdp', [False, True])
@pytest.mark.parametrize('mesh', [(4, 1), (2, 2), (1, 4)], ids=str)
def test_bytes_are_those_of_a_real_run(mesh, fsdp):
  real = partitioner(*mesh, fsdp=fsdp)
  compiled = real.compile(toy.ToyTrainStep(), KEY, next(toy.ToyData()))
  held = sum(
      leaf.addressable_shards[0].data.nbytes
      for leaf in jax.tree.leaves(compiled.init())
  )
  assert dry_run.device_bytes(toy_plan(*mesh, fsdp=fsdp).state) == held


@pytest.mark.parametrize(
    'mesh, message',
    [
        ((1, 3), r"params/wi of .*'mlp' of 16 goes over model=3"),
        ((3, 1), r'batch of 8 \(x\) .* data=3'),
    ],
)
def test_a_dry_run_refuses_what_a_real_run_refuses(mesh, message):
  with pytest.raises(UserError, match=message) as dry:
    toy_plan(*mesh, fsdp=False)
  with pytest.raises(UserError) as real:
    partitioner(*mesh, fsdp=False).compile(
        toy.ToyTrainStep(), KEY, next(toy.ToyData())
    )
  assert str(dry.value) == str(real.value)


def test_a_described_mesh_has_to_be_filled():
  with pytest.raises(UserError, match='64 devices'):
    make_mesh(model=5, num_described=64)


def test_nothing_is_computed_on_a_described_mesh():
  with pytest.raises(UserError, match='only described'):
    partitioner(2, 2, 4).compile(toy.ToyTrainStep(), KEY, next(toy.ToyData()))


def test_flops_are_six_for_a_parameter_and_a_token():
  params = jax.eval_shape(language_model().init, KEY, {}).params
  number = sum(leaf.size for leaf in jax.tree.leaves(params))
  np.testing.assert_allclose(flops(4), 6 * number * 4 * 8, rtol=0.1)


def test_flops_grow_with_the_batch_and_not_with_how_layers_are_compiled():
  assert flops(8) == 2 * flops(4) == 2 * flops(4, scan_layers=True)


@pytest.mark.parametrize('kwargs', [{}, {'scan_layers': True}], ids=str)
def test_activations_are_within_half_of_what_xla_takes(kwargs, optimized):
  train_step, taken, programs = language_model(**kwargs), [], []
  for batch in (rows_of_ids(4, 128), rows_of_ids(8, 128)):
    state = jax.eval_shape(train_step.init, KEY, batch)
    step = jax.jit(train_step.step, donate_argnums=0).lower(state, batch, KEY)
    taken.append(step.compile().memory_analysis().temp_size_in_bytes)
    programs.append(trace(train_step, batch))
  estimate = program_costs.live_bytes_per_row(*programs, rows=4)
  np.testing.assert_allclose(estimate, (taken[1] - taken[0]) / 4, rtol=0.5)


def with_room_for(plan, num_bytes):
  gib = num_bytes / dry_run.USABLE / 2**30
  device = plan.device._replace(memory_gib=gib)
  return dataclasses.replace(plan, device=device)


def test_what_just_fits_fits():
  plan = toy_plan(data=1, model=1)
  fits = with_room_for(plan, plan.needed + 1)
  assert fits.accumulation == 1 and fits.most_rows() == 8
  assert advice(fits).startswith('Fits: 8 rows a device')


def test_what_does_not_fit_is_accumulated():
  plan = toy_plan(data=1, model=1)
  plan = dataclasses.replace(
      plan, activation_bytes=2.0 * plan.gradient_bytes, pieces=1
  )
  short = with_room_for(plan, plan.needed - 1)
  assert short.accumulation == 2 and short.most_rows() == 7
  assert 'In 2 times as many pieces' in advice(short)
  assert '4 rows a piece, 4 a device' in advice(short)
  # The second copy of the gradients takes the room of half a row.
  half = plan.needed - 4 * plan.activation_bytes
  assert with_room_for(plan, half + 1).accumulation == 4


def test_followed_advice_fits():
  plan = dataclasses.replace(toy_plan(data=1, model=1), pieces=1)
  plan = dataclasses.replace(plan, activation_bytes=2.0 * plan.gradient_bytes)
  short = with_room_for(plan, plan.needed - 1)
  more = short.accumulation
  # A piece has so many rows fewer, and gradients add up in a second copy.
  then = dataclasses.replace(
      short, pieces=more, activation_bytes=plan.activation_bytes / more
  )
  assert then.gradient_bytes == 2 * plan.gradient_bytes
  assert then.accumulation == 1 and advice(then).startswith('Fits')


def test_a_model_without_pieces_is_not_told_to_take_more():
  plan = toy_plan(data=1, model=1)
  assert plan.pieces is None
  plan = dataclasses.replace(plan, activation_bytes=2.0 * plan.gradient_bytes)
  said = advice(with_room_for(plan, plan.needed - 1))
  assert 'at most 7 would, a BATCH_SIZE of 7.' in said
  assert 'NUM_MICROBATCHES' not in said


def test_what_never_fits_is_said():
  never = with_room_for(toy_plan(), 100)
  assert never.accumulation is None and never.most_rows() == 0
  assert 'not even with one row' in advice(never)


def test_the_report_names_modules_axes_and_shares():
  text = report(toy_plan())
  assert 'as data=2 x model=2; a global batch of 8' in text
  assert 'wi (8, 16) (embed, mlp) -> (4, 8)' in text
  assert 'FLOPs' in text and text.endswith(advice(toy_plan()))


def test_an_unknown_device_is_told_the_known():
  with pytest.raises(UserError, match="'tpu-v9'; known are tpu-v3, tpu-v4"):
    devices.find('tpu-v9')


def test_memory_can_be_another():
  assert devices.find('h100', 96.0).memory == 96 * 2**30
