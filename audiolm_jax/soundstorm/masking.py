"""Masking of windows that SoundStorm learns from (s. 3.3)."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int, Key, PRNGKeyArray


class Masked(NamedTuple):
  """Windows with some of their codes hidden.

  Attributes:
    codes: The mask id stands where a code is hidden.
    levels: The one level of each row that is learnt.
    targets: Frames whose code at that level is hidden, and asked for.
  """

  codes: Int[Array, 'B T Q']
  levels: Int[Array, ' B']
  targets: Bool[Array, 'B T']


def mask(
    key: PRNGKeyArray,
    codes: Int[Array, 'B T Q'],
    lengths: Int[Array, ' B'],
    mask_id: int,
    level_decay: float = 1.0,
    longest_prompt: float = 1.0,
) -> Masked:
  """Hides codes of each row as they are hidden at some pass of the sampler.

  Up to a frame t, drawn from all of the row, nothing is hidden: that is the
  prompt. From there on, of a level q that is drawn, each frame's code is hidden
  with a probability of cos(u), u drawn from [0, pi / 2]; and so are all codes
  of higher levels.

  Args:
    key: Key of all draws.
    codes: Codes of whole windows.
    lengths: Frames of each row; the others are padding.
    mask_id: Stands where a code is hidden.
    level_decay: Ratio of a level's probability to that of the level below; the
      paper draws all alike.
    longest_prompt: Share of a row that t is drawn from; all of it in the paper.
      With less, more codes are asked for in a step.
  """
  keys = jax.random.split(key, len(codes))
  latest = jnp.ceil(longest_prompt * lengths).astype(jnp.int32)
  hide = jax.vmap(_mask_row, in_axes=(0, 0, 0, 0, None, None))
  return hide(keys, codes, lengths, latest, mask_id, math.log(level_decay))


def _mask_row(
    key: Key[Array, ''],
    codes: Int[Array, 'T Q'],
    length: Int[Array, ''],
    latest: Int[Array, ''],
    mask_id: int,
    log_decay: float,
) -> Masked:
  num_frames, num_levels = codes.shape
  start_key, level_key, rate_key, frame_key = jax.random.split(key, 4)
  start = jax.random.randint(start_key, (), 0, jnp.maximum(latest, 1))
  level = jax.random.categorical(level_key, log_decay * jnp.arange(num_levels))
  # These are the shares that sampler.schedule leaves hidden, drawn as evenly as
  # its passes go through them.
  rate = jnp.cos(jax.random.uniform(rate_key, maxval=jnp.pi / 2))
  frames = jnp.arange(num_frames)
  asked = (frames >= start) & (frames < length)
  targets = asked & jax.random.bernoulli(frame_key, rate, (num_frames,))
  levels = jnp.arange(num_levels)[None]
  hidden = (levels == level) & targets[:, None]
  # The sampler goes from level to level (s. 3.4): those below are finished, and
  # nothing is known of those above.
  hidden |= (levels > level) & (frames >= start)[:, None]
  return Masked(jnp.where(hidden, mask_id, codes), level, targets)
