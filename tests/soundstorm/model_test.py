"""Tests audiolm_jax/soundstorm/model.py."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audiolm_jax.soundstorm.model import SoundStorm
from audiolm_jax.training.state import unbox
from tests.soundstorm import tiny

apply = jax.jit(tiny.MODEL.apply)


@pytest.fixture(name='variables', scope='module')
def fixture_variables():
  return {'params': tiny.params()}


def logits(variables, semantic, acoustic, lengths, levels):
  lengths, levels = jnp.asarray(lengths), jnp.asarray(levels)
  return np.asarray(apply(variables, semantic, acoustic, lengths, levels))


def test_a_row_depends_neither_on_its_padding_nor_on_its_company(variables):
  semantic, acoustic = tiny.window(3, 12)
  together = logits(variables, semantic, acoustic, [7, 12, 0], [2, 0, 1])
  alone = logits(variables, semantic[:1, :7], acoustic[:1, :7], [7], [2])
  np.testing.assert_allclose(together[:1, :7], alone, atol=1e-4)
  acoustic[0, 7:] = tiny.MODEL.mask_id
  semantic[0, 7:] = 0
  other = logits(variables, semantic, acoustic, [7, 12, 0], [2, 0, 1])
  np.testing.assert_array_equal(other[0, :7], together[0, :7])
  assert np.isfinite(together).all()


def test_every_frame_sees_every_other_both_ways(variables):
  semantic, acoustic = tiny.window(1, 30)
  before = logits(variables, semantic, acoustic, [30], [1])
  for frame in (0, 29):
    changed = acoustic.copy()
    changed[0, frame, 2] = (changed[0, frame, 2] + 1) % 9
    after = logits(variables, semantic, changed, [30], [1])
    assert (np.abs(after - before).max(axis=-1) > 1e-6).all()


def test_order_matters(variables):
  """Rotary positions: other distances, other products."""
  semantic, acoustic = tiny.window(1, 9)
  order = [0, 1, 2, 3, 8, 5, 6, 7, 4]  # Beyond the convolution's reach of 0.
  here, there = (
      logits(variables, semantic[:, frames], acoustic[:, frames], [9], [1])
      for frames in (range(9), order)
  )
  assert np.abs(here[0, 0] - there[0, 0]).max() > 1e-3


@pytest.mark.parametrize('level', range(4))
def test_each_level_has_its_own_codes_mask_and_head(variables, level):
  semantic, acoustic = tiny.window(1, 5)
  acoustic[0, 2] = 3
  found = []
  for other in range(4):
    masked = acoustic.copy()
    masked[0, 2, level] = tiny.MODEL.mask_id
    found.append(logits(variables, semantic, masked, [5], [other]))
  for other in set(range(4)) - {level}:
    masked = acoustic.copy()
    masked[0, 2, other] = tiny.MODEL.mask_id
    moved = logits(variables, semantic, masked, [5], [level])
    assert np.abs(moved - found[level]).max() > 1e-3
    assert np.abs(found[other] - found[level]).max() > 1e-3


def test_the_mask_is_not_a_code(variables):
  semantic, acoustic = tiny.window(1, 5)
  found = []
  for code in range(10):
    acoustic[0, 2, 0] = code
    found.append(logits(variables, semantic, acoustic, [5], [0]))
  different = [np.abs(found[9] - other).max() > 1e-3 for other in found[:9]]
  assert all(different)


@pytest.mark.slow
def test_the_papers_size_has_350_million_parameters():
  """The paper's count, within a tenth: it does not list the small parts."""
  model = SoundStorm()
  frame = jnp.zeros((1, 1), jnp.int32)
  codes = jnp.zeros((1, 1, 12), jnp.int32)
  shapes = jax.eval_shape(
      model.init, jax.random.key(0), frame, codes, frame[0], frame[0]
  )
  count = sum(leaf.size for leaf in jax.tree.leaves(unbox(shapes)))
  assert 0.9 < count / 350e6 < 1.1


def test_two_semantic_ids_of_a_frame_count_each_in_its_place():
  """Six ids, two a frame: as the digits of one number."""
  model = tiny.MODEL.clone(semantic_per_frame=2)
  _, acoustic = tiny.window(1, 5)
  lengths, levels = jnp.array([5]), jnp.array([1])
  init = jax.jit(model.init)
  variables = unbox(
      init(jax.random.key(0), np.zeros((1, 5), int), acoustic, lengths, levels)
  )
  assert variables['params']['semantic'].shape[0] == 12
  found = []
  for ids in ((3, 1), (1, 3), (3, 2), (2, 1)):
    semantic = np.full((1, 5), 6 * ids[0] + ids[1])
    out = jax.jit(model.apply)(variables, semantic, acoustic, lengths, levels)
    found.append(np.asarray(out))
  for other in found[1:]:
    assert np.abs(other - found[0]).max() > 1e-5
