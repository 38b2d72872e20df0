"""Tests `audiolm_jax/lm/sampling/loop.py`: what is compiled, and where."""

import jax
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec

from audiolm_jax.lm.sampling import loop, sampler
from audiolm_jax.lm.sampling.methods import Sampling
from audiolm_jax.tokens.layout import Candidates, Prompt
from audiolm_jax.training.partitioning import make_mesh

from ..collectives_test import COLLECTIVE
from ..tiny import MODEL, weights

NUM_SAMPLES = 6
CANDIDATES = Candidates(
    np.full(NUM_SAMPLES, 4, np.int32), np.arange(NUM_SAMPLES) % 2 == 0, 10
)
DEVICES = NamedSharding(make_mesh(4, 1), PartitionSpec('data'))


def stacked(*lengths, stride=1):
  prompts = [
      Prompt(
          np.arange(length, dtype=np.int32) + 2,
          (np.arange(length + NUM_SAMPLES, dtype=np.int32) - length)
          * stride ** (row % 2),
      )
      for row, length in enumerate(lengths)
  ]
  return sampler.stack(prompts, multiple=4)


def draw(prompts, packed=None, temperature=1.0, seed=0, sizes=None, **how):
  keys = jax.random.split(jax.random.key(seed), len(prompts.ids))
  sizes = sizes or [NUM_SAMPLES]
  args = (
      MODEL,
      packed or weights(),
      prompts,
      CANDIDATES,
      keys,
      Sampling(temperature),
  )
  pieces = sampler.draw_pieces(*args, sizes, growth=12, **how)
  return np.concatenate([*pieces], axis=1)


def compiled(run):
  """How many programs a call adds."""
  programs = loop.prefill, loop.grow, loop.extend
  before = [program.jitted._cache_size() for program in programs]
  run()
  after = [program.jitted._cache_size() for program in programs]
  return [b - a for a, b in zip(before, after, strict=True)]


def test_prompts_of_a_bucket_share_their_programs():
  jax.clear_caches()
  assert compiled(lambda: draw(stacked(1, 2))) == [1, 1, 1]
  again = [
      lambda: draw(stacked(3, 4)),
      lambda: draw(stacked(2, 1), temperature=0.3),
      lambda: draw(stacked(4, 4), seed=5),
  ]
  for run in again:
    assert compiled(run) == [0, 0, 0]


def test_pieces_and_longer_prompts_share_the_program_that_draws():
  jax.clear_caches()
  assert compiled(lambda: draw(stacked(3, 3)))[2] == 1
  assert compiled(lambda: draw(stacked(3, 3), sizes=[1, 2, 3]))[2] == 0
  assert compiled(lambda: draw(stacked(5, 5)))[2] == 1  # Another length.
  assert compiled(lambda: draw(stacked(8, 8)))[2] == 0
  assert compiled(lambda: draw(stacked(3, 3, 3)))[2] == 1  # Another batch.


@pytest.mark.parametrize('stride', [1, 2], ids=['one', 'each'])
@pytest.mark.parametrize('length', [0, 3])
def test_rows_spread_over_devices_are_those_of_one(stride, length):
  prompts = stacked(*[length] * 8, stride=stride)
  everywhere = jax.device_put(
      weights(), NamedSharding(DEVICES.mesh, PartitionSpec())
  )
  here = draw(prompts, temperature=3.0)
  spread = draw(prompts, everywhere, 3.0, rows=DEVICES)
  np.testing.assert_array_equal(spread, here)


def started(stride):
  """Weights and the state of eight prompts on four devices."""
  ids, valid, positions = stacked(*[4] * 8, stride=stride)
  positions = positions if stride > 1 else positions.repeat(4, axis=0)
  everywhere = NamedSharding(DEVICES.mesh, PartitionSpec())
  packed = jax.device_put(weights(), everywhere)
  args = MODEL, packed, ids, valid, positions[:, :4], DEVICES
  return packed, positions, args


@pytest.mark.parametrize('stride', [1, 2], ids=['one', 'each'])
def test_devices_hold_the_caches_of_their_rows_and_send_nothing(stride):
  packed, positions, args = started(stride)
  prefill = loop.prefill.lower(*args).compile()
  assert not COLLECTIVE.search(prefill.as_text())
  state = loop.prefill(*args)
  caches = loop.grow(state.caches, 10)
  for leaf in jax.tree.leaves(caches):
    shapes = {shard.data.shape for shard in leaf.addressable_shards}
    assert shapes == {(2 * MODEL.num_heads, MODEL.head_dim, 10)}
  track = loop.Track(
      positions,
      np.ones((8, 10), bool),
      np.full(10, 4, np.int32),
      np.ones(10, bool),
  )
  keys = jax.device_put(jax.random.split(jax.random.key(0), 8), DEVICES)
  span, temperature = np.int32([4, 10, 4]), np.float32(1)
  extend = loop.extend.lower(
      loop.Program(MODEL, 10, True, 0, 1.0, growth=6),
      packed,
      state._replace(caches=caches),
      track,
      keys,
      span,
      temperature,
      DEVICES,
  ).compile()
  assert not COLLECTIVE.search(extend.as_text())
