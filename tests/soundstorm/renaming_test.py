"""Tests audiolm_jax/soundstorm/renaming.py."""

import jax
import jax.numpy as jnp
import numpy as np

from audiolm_jax.soundstorm import renaming
from tests.soundstorm import tiny

SIZE, LEVELS = tiny.MODEL.codebook_size, tiny.MODEL.num_quantizers


def codes(num_frames=4000, seed=0):
  rng = np.random.default_rng(seed)
  return rng.integers(0, SIZE, (num_frames, LEVELS))


def test_meetings_are_counted_by_level():
  old = np.array([[0, 1], [2, 1], [2, 3]])
  new = np.array([[3, 3], [1, 3], [1, 0]])
  counts = renaming.meetings(old, new, 4)
  assert counts.shape == (2, 4, 4) and counts.sum() == 6
  assert (counts[0, 3, 0], counts[0, 1, 2]) == (1, 2)
  assert (counts[1, 3, 1], counts[1, 0, 3]) == (2, 1)


def test_where_only_names_changed_the_model_says_the_same():
  """A new code is an old one by another name, another at each level."""
  names = np.stack(
      [np.random.default_rng(q).permutation(SIZE) for q in range(LEVELS)]
  )
  old = codes()
  new = names[np.arange(LEVELS), old]
  counts = 1e6 * renaming.meetings(old, new, SIZE)
  semantic, acoustic = tiny.window(1, 12, 0)
  lengths, levels = np.array([12]), np.array([1])
  model = tiny.MODEL
  params = tiny.params()
  call = jax.jit(model.apply)
  before = call({'params': params}, semantic, acoustic, lengths, levels)
  known = np.minimum(acoustic, SIZE - 1)
  renamed = np.where(
      acoustic == model.mask_id,
      model.mask_id,
      names[np.arange(LEVELS), known],
  )
  after = call(
      {'params': renaming.rename(params, counts)},
      semantic,
      jnp.asarray(renamed),
      lengths,
      levels,
  )
  probabilities = jax.nn.softmax(after[..., names[1]]), jax.nn.softmax(before)
  np.testing.assert_allclose(*probabilities, atol=1e-3)


def test_a_code_that_was_never_met_is_the_mean_code():
  old = codes()
  new = np.minimum(old, SIZE - 2)
  params = {
      'acoustic': np.random.default_rng(1).normal(size=(LEVELS, SIZE, 3)),
      'head_kernel': np.zeros((LEVELS, 3, SIZE)),
      'head_bias': np.zeros((LEVELS, SIZE)),
      'mask': np.ones((LEVELS, 3)),
  }
  counts = renaming.meetings(old, new, SIZE)
  found = renaming.rename(params, counts)
  share = counts[0].sum(axis=0) + 1
  mean = (share / share.sum()) @ params['acoustic'][0]
  np.testing.assert_allclose(found['acoustic'][0, -1], mean, atol=1e-5)
  assert found['mask'] is params['mask']
  assert found['head_bias'][0].argmin() == SIZE - 1
