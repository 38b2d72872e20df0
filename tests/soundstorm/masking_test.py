"""Tests audiolm_jax/soundstorm/masking.py."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from audiolm_jax.soundstorm import masking

LENGTHS = np.repeat(np.int32([20, 7, 1, 0]), 400)
MASK = 9


@pytest.fixture(name='drawn', scope='module')
def fixture_drawn():
  codes = np.random.default_rng(0).integers(9, size=(len(LENGTHS), 20, 4))
  mask = jax.jit(masking.mask, static_argnums=3)
  found = mask(jax.random.key(0), codes, jnp.asarray(LENGTHS), MASK)
  return codes, masking.Masked(*map(np.asarray, found))


def rows(length: int) -> slice:
  first = int(np.flatnonzero(LENGTHS == length)[0])
  return slice(first, first + 400)


def test_what_is_not_hidden_is_as_it_was(drawn):
  codes, found = drawn
  seen = found.codes != MASK
  np.testing.assert_array_equal(found.codes[seen], codes[seen])


def test_lower_levels_stay_and_higher_ones_are_hidden_from_the_prompt_on(drawn):
  _, found = drawn
  hidden = found.codes == MASK
  for row in range(400):
    level = found.levels[row]
    assert not hidden[row, :, :level].any()
    np.testing.assert_array_equal(hidden[row, :, level], found.targets[row])
    higher = hidden[row, :, level + 1 :]
    start = higher.any(axis=1).argmax() if level < 3 else 0
    assert higher[start:].all() and not higher[:start].any()
    assert not found.targets[row, :start].any()


def test_padding_is_no_target(drawn):
  _, found = drawn
  frames = np.arange(20)[None]
  assert not found.targets[frames >= LENGTHS[:, None]].any()
  assert not found.targets[rows(0)].any()
  assert found.targets[rows(1)].any()


def test_prompts_end_anywhere_in_the_row_and_levels_are_even(drawn):
  _, found = drawn
  for length in (20, 7):
    top = found.codes[rows(length)][..., 3] == MASK
    starts = top[found.levels[rows(length)] < 3].argmax(axis=1)
    counts = np.bincount(starts, minlength=length)
    assert len(counts) == length and counts.min() > 0
  assert np.bincount(found.levels, minlength=4).min() > 350


def test_the_hidden_share_is_a_cosine(drawn):
  """Its mean is 2 / pi; a quarter of the rows hides more than 0.92."""
  del drawn
  codes = jnp.zeros((500, 1000, 2), jnp.int32)
  lengths = jnp.full(500, 1000)
  found = masking.mask(jax.random.key(1), codes, lengths, MASK)
  targets = np.asarray(found.targets)
  starts = targets.argmax(axis=1)
  shares = np.array(
      [
          row[start:].mean()
          for row, start in zip(targets, starts, strict=True)
          if start < 900
      ]
  )
  assert abs(shares.mean() - 2 / np.pi) < 0.05
  assert abs((shares > np.cos(np.pi / 8)).mean() - 0.25) < 0.07


def test_levels_may_be_drawn_ever_less_often():
  codes = jnp.zeros((4000, 2, 3), jnp.int32)
  found = masking.mask(jax.random.key(2), codes, jnp.full(4000, 2), MASK, 0.5)
  counts = np.bincount(found.levels, minlength=3)
  np.testing.assert_allclose(counts / 4000, np.array([4, 2, 1]) / 7, atol=0.03)


def test_prompts_may_be_kept_short():
  codes = jnp.zeros((400, 20, 4), jnp.int32)
  lengths = jnp.full(400, 20)
  found = masking.mask(
      jax.random.key(0), codes, lengths, MASK, longest_prompt=0.5
  )
  below_top = found.levels < 3
  starts = (found.codes[..., 3] == MASK).argmax(axis=1)[below_top]
  assert np.bincount(starts, minlength=20)[:10].min() > 0
  assert starts.max() == 9
