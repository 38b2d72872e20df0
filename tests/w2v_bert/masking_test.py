import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolm_jax.w2v_bert import masking


def valid_frames(lengths, num_frames):
  return jnp.arange(num_frames)[None] < jnp.asarray(lengths)[:, None]


@settings(max_examples=50, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 30), min_size=3, max_size=3),
    start_probability=st.floats(0, 1),
    span=st.integers(1, 12),
    seed=st.integers(0, 1000),
)
def test_every_clip_has_a_whole_span_and_no_mask_outside(
    lengths, start_probability, span, seed
):
  valid = valid_frames(lengths, 30)
  key = jax.random.key(seed)
  masked = np.asarray(masking.span_mask(key, valid, start_probability, span))
  assert not (masked & ~np.asarray(valid)).any()
  for row, length in zip(masked, lengths, strict=True):
    edges = np.flatnonzero(np.diff(np.pad(row.astype(int), 1)))
    starts, ends = edges[::2], edges[1::2]
    assert len(starts)
    # Only the clip's end cuts a run short.
    assert all(
        end - start >= span or end == length
        for start, end in zip(starts, ends, strict=True)
    )


def test_masked_share_is_that_of_the_paper():
  valid = jnp.ones((200, 400), bool)
  masked = masking.span_mask(jax.random.key(0), valid)
  # A frame is visible if none of the 10 starts that would hide it is drawn.
  np.testing.assert_allclose(masked.mean(), 1 - 0.935**10, atol=0.02)


def test_without_starts_one_span_fits_inside_the_clip():
  valid = valid_frames([25] * 64, 30)
  masked = masking.span_mask(jax.random.key(0), valid, 0.0, 10)
  np.testing.assert_array_equal(masked.sum(axis=1), 10)
  # Not always the same one.
  assert len(np.unique(masked.argmax(axis=1))) > 5


def test_only_masked_frames_are_hidden():
  x = jnp.ones((2, 20, 8))
  masked = masking.span_mask(jax.random.key(0), jnp.ones((2, 20), bool))
  hidden = masking.hide(jax.random.key(1), x, masked)
  np.testing.assert_array_equal((hidden == x).all(axis=-1), ~masked)
  np.testing.assert_allclose(hidden[masked].std(), 0.1, rtol=0.3)


@settings(max_examples=25, deadline=None)
@given(count=st.integers(1, 40), seed=st.integers(0, 1000))
def test_distractors_are_other_masked_frames_with_other_codes(count, seed):
  keys = jax.random.split(jax.random.key(seed), 3)
  masked = jax.random.bernoulli(keys[0], 0.5, (3, 30))
  codes = jax.random.randint(keys[1], (3, 30), 0, 5)
  drawn = masking.draw_distractors(keys[2], masked, codes, count)
  pool = masked[:, None] & masked[:, :, None]
  pool &= codes[:, None] != codes[:, :, None]
  assert not (drawn & ~pool).any()
  np.testing.assert_array_equal(
      drawn.sum(axis=-1), jnp.minimum(pool.sum(axis=-1), count)
  )
