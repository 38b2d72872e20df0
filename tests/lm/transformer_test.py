"""Tests `audiolm_jax/lm/transformer.py`."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audiolm_jax.errors import UserError
from audiolm_jax.lm.transformer import Transformer
from audiolm_jax.training.state import unbox

LENGTH = 13
INDEX = jnp.arange(LENGTH)
# A prefix at half the frame rate, then a target of two levels.
TIME = jnp.array([0, 2, 4, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4])

# Blocks of queries end inside of the sequences.
MODEL = Transformer(
    vocab_size=24,
    num_layers=2,
    embed_dim=8,
    num_heads=2,
    head_dim=4,
    mlp_dim=16,
    num_buckets=8,
    max_distance=16,
    query_block=5,
)


@functools.cache
def params():
  ids = jnp.zeros((1, 2), jnp.int32)
  variables = jax.jit(MODEL.init)(jax.random.key(0), ids, ids[0], ids)
  return unbox(variables)['params']


def draw_ids(length: int = LENGTH, seed: int = 0):
  return jax.random.randint(jax.random.key(seed), (3, length), 2, 24)


def logits_of(inputs, positions, segment_ids=None, model=MODEL):
  segment_ids = jnp.ones_like(inputs) if segment_ids is None else segment_ids
  apply = jax.jit(model.apply)
  return apply({'params': params()}, inputs, positions, segment_ids)


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

    _, pull = jax.vjp(loss, params())
    return sum(leaf.nbytes for leaf in jax.tree.leaves(pull))

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


@pytest.mark.parametrize(
    ('positions', 'padding'),
    [(INDEX, [0, 1]), (TIME, [1, 2])],
    ids=['left-padded', 'time'],
)
def test_decoding_with_a_cache_equals_the_full_pass(positions, padding):
  inputs, num_prefilled = draw_ids(), 4
  valid = jnp.ones_like(inputs, bool).at[1:, jnp.array(padding)].set(False)
  segments = valid.astype(jnp.int32)
  full = logits_of(inputs, positions, segments)
  variables, filled = {'params': params()}, slice(num_prefilled)
  caches = MODEL.apply(
      variables,
      inputs[:, filled],
      positions[filled],
      segments[:, filled],
      method='prefill',
  )
  room = ((0, 0), (0, 0), (0, LENGTH - num_prefilled), (0, 0))
  caches = jax.tree.map(lambda leaf: jnp.pad(leaf, room), caches)
  step = jax.jit(functools.partial(MODEL.apply, method='step'))
  for index in range(num_prefilled, LENGTH):
    visible = valid & (INDEX <= index)[None]
    logits, caches = step(
        variables,
        inputs[:, index],
        jnp.int32(index),
        positions,
        visible,
        caches,
    )
    np.testing.assert_allclose(logits, full[:, index], atol=1e-5)


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
