"""Tests `audiolm_jax/lm/transformer.py`."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audiolm_jax.errors import UserError
from audiolm_jax.lm.transformer import Transformer
from audiolm_jax.training.state import unbox

from . import tiny
from .tiny import MODEL, logits_of, params

LENGTH = 13
INDEX = jnp.arange(LENGTH)
# A prefix at half the frame rate, then a target of two levels.
TIME = jnp.array([0, 2, 4, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4])


def draw_ids(length: int = LENGTH, seed: int = 0):
  return tiny.draw_ids(3, length, seed)


@pytest.mark.parametrize('positions', [INDEX, TIME], ids=['index', 'time'])
@pytest.mark.parametrize('place', [0, 4, 5, 11])
def test_nothing_comes_from_the_future(positions, place):
  # Every place has an id of its own, and id 0, which has none, is predicted.
  inputs = jnp.arange(2, 2 + LENGTH)[None]

  def logit(params):
    args = {'params': params}, inputs, positions, jnp.ones_like(inputs)
    return MODEL.apply(*args)[0, place, 0]

  gradient = jax.jit(jax.grad(logit))(params())['embedding'][inputs[0]]
  assert not gradient[place + 1 :].any()
  assert gradient[: place + 1].any(axis=1).all()


def test_a_prefix_in_the_future_of_time_is_seen():
  inputs = draw_ids()
  changed = inputs.at[:, 2].set(2 + (inputs[:, 2] - 1) % 22)
  # Place 3 is at time 0, the changed one at time 4.
  here, there = (logits_of(ids, TIME)[:, 3] for ids in (inputs, changed))
  assert (here != there).any(axis=-1).all()


def test_a_bias_of_the_past_alone_is_blind_to_how_far_ahead_a_place_is():
  # The prefix of TIME moves, and stays ahead of all places that follow it.
  near, far = TIME.at[:3].set(5), TIME.at[:3].set(9)
  for bidirectional, alike in ((True, False), (False, True)):
    model = MODEL.clone(bidirectional_bias=bidirectional)
    args = draw_ids(), jnp.ones((3, LENGTH), jnp.int32), model
    here, there = (logits_of(args[0], at, *args[1:]) for at in (near, far))
    assert np.allclose(here, there, atol=1e-5) == alike


def test_time_brings_prefix_and_target_near_each_other():
  moved = TIME.at[:3].add(7)
  assert not np.allclose(
      logits_of(draw_ids(), TIME), logits_of(draw_ids(), moved), atol=1e-3
  )


def test_packed_rows_equal_separate_rows():
  first, second = draw_ids(5), draw_ids(8, seed=1)
  segments = jnp.repeat(jnp.array([1, 2]), np.array([5, 8]))[None].repeat(3, 0)
  packed = logits_of(jnp.concatenate([first, second], 1), INDEX, segments)
  alone = [logits_of(first, INDEX[:5]), logits_of(second, INDEX[:8])]
  np.testing.assert_allclose(packed, jnp.concatenate(alone, 1), atol=1e-5)


def test_padding_is_not_seen():
  valid = (TIME < 4) & (INDEX != 1)
  segments = valid[None].astype(jnp.int32).repeat(3, 0)
  inputs, others = draw_ids(), draw_ids(seed=1)
  here = logits_of(inputs, TIME, segments)
  there = logits_of(jnp.where(valid[None], inputs, others), TIME, segments)
  np.testing.assert_array_equal(here[:, valid], there[:, valid])
  assert np.isfinite(there).all()


@pytest.mark.parametrize(
    'how',
    [
        {'scan_layers': True},
        {'remat_policy': 'minimal'},
        {'scan_layers': True, 'remat_policy': 'full'},
    ],
    ids=str,
)
def test_parameters_do_not_know_how_layers_are_run(how):
  def loss(params, model):
    ids = draw_ids()
    logits = model.apply({'params': params}, ids, INDEX, jnp.ones_like(ids))
    return jnp.square(logits).mean()

  grad = jax.jit(jax.grad(loss), static_argnums=1)
  jax.tree.map(
      lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5),
      grad(params(), MODEL),
      grad(params(), MODEL.clone(**how)),
  )


def test_what_is_computed_again_is_not_stored():
  ids = draw_ids(length=128)

  def stored(policy):
    model = MODEL.clone(remat_policy=policy)

    def loss(params):
      logits = model.apply(
          {'params': params}, ids, jnp.arange(128), jnp.ones_like(ids)
      )
      return jnp.square(logits).mean()

    # Nothing needs to be computed to know what would be kept.
    pull = jax.eval_shape(lambda params: jax.vjp(loss, params)[1], params())
    return sum(
        math.prod(leaf.shape) * leaf.dtype.itemsize
        for leaf in jax.tree.leaves(pull)
    )

  assert stored('full') < stored('minimal') < stored('none')


def test_an_unknown_remat_policy_is_told_the_known():
  with pytest.raises(UserError, match="'some'; choose one of none, minimal"):
    logits_of(draw_ids(), INDEX, model=MODEL.clone(remat_policy='some'))


@pytest.mark.parametrize('scan_layers', [False, True])
def test_dropout_is_noise_of_its_key(scan_layers):
  model = MODEL.clone(dropout_rate=0.5, scan_layers=scan_layers)
  args = {'params': params()}, draw_ids(), INDEX, jnp.ones_like(draw_ids())
  apply = jax.jit(functools.partial(model.apply, deterministic=False))

  def run(seed):
    return apply(*args, rngs={'dropout': jax.random.key(seed)})

  np.testing.assert_array_equal(run(0), run(0))
  assert not np.allclose(run(0), run(1))


def test_bfloat16_computes_near_float32_with_float32_logits():
  logits = logits_of(draw_ids(), INDEX, model=MODEL.clone(dtype=jnp.bfloat16))
  assert logits.dtype == jnp.float32
  np.testing.assert_allclose(logits, logits_of(draw_ids(), INDEX), atol=0.2)


def test_the_paper_s_model_has_the_parameters_it_should():
  model = Transformer(vocab_size=5128)
  ids = jnp.zeros((1, 2), jnp.int32)
  shapes = unbox(
      jax.eval_shape(model.init, jax.random.key(0), ids, ids[0], ids)
  )
  layer = 4 * 1024 * 1024 + 3 * 1024 * 4096 + 2 * 1024
  expected = 12 * layer + 5128 * 1024 + 16 * 32 + 1024
  assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == expected
