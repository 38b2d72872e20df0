"""Masks of hidden frames, and the other frames they are told apart from."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

# wav2vec-style noise in place of hidden frames; the input has unit variance.
NOISE_SCALE = 0.1


def span_mask(
    key: PRNGKeyArray,
    valid: Bool[Array, 'B T'],
    start_probability: float = 0.065,
    span: int = 10,
) -> Bool[Array, 'B T']:
  """Hides runs of `span` frames; runs may overlap, none leaves the clip.

  Any frame starts a run with `start_probability`. A row in which none does gets
  one run at random, so that also the shortest clip has something to predict.
  """
  # At w2v-BERT's 0.065 and 10 half of the frames are hidden: 1 - 0.935 ** 10 is
  # 0.49.
  draw_key, forced_key = jax.random.split(key)
  draws = jax.random.uniform(draw_key, valid.shape)
  starts = (draws < start_probability) & valid
  # The run that is forced is a whole one where the clip is long enough.
  num_starts = jnp.maximum(valid.sum(axis=-1) - span + 1, 1)
  place = jax.random.uniform(forced_key, num_starts.shape) * num_starts
  forced = jnp.arange(valid.shape[1])[None] == place.astype(jnp.int32)[:, None]
  starts |= forced & ~starts.any(axis=-1, keepdims=True)
  return _smear(starts, span) & valid


def hide(
    key: PRNGKeyArray, x: Float[Array, 'B T D'], masked: Bool[Array, 'B T']
) -> Float[Array, 'B T D']:
  """Puts random vectors where frames are masked (w2v-BERT s. 3)."""
  noise = NOISE_SCALE * jax.random.normal(key, x.shape, x.dtype)
  return jnp.where(masked[..., None], noise, x)


def draw_distractors(
    key: PRNGKeyArray,
    masked: Bool[Array, 'B T'],
    codes: Int[Array, 'B T'],
    count: int,
) -> Bool[Array, 'B T S']:
  """Draws up to `count` other masked frames of the same row, for each frame.

  Frames of the same code are no distractors: their targets are the same vector.
  """
  num_frames = masked.shape[1]
  pool = masked[:, None] & masked[:, :, None]
  pool &= codes[:, None] != codes[:, :, None]
  if count >= num_frames:
    return pool
  scores = jnp.where(pool, jax.random.uniform(key, pool.shape), -1.0)
  # In a pool of fewer than `count` it is -1, and all of them are drawn.
  threshold = jax.lax.top_k(scores, count)[0][..., -1:]
  return pool & (scores >= threshold)


def _smear(starts: Bool[Array, 'B T'], span: int) -> Bool[Array, 'B T']:
  """True in each start and in the span - 1 frames after it."""
  # Starts up to here, less those that are `span` or more frames ago.
  counts = jnp.cumsum(starts, axis=-1)
  before = jnp.pad(counts, ((0, 0), (span, 0)))[:, : starts.shape[1]]
  return counts > before
