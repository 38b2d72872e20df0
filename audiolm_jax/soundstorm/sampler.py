"""Fills acoustic codes in, level by level, by confidence (s. 3.4)."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key, PyTree

from audiolm_jax import executables
from audiolm_jax.soundstorm.model import SoundStorm

# Passes of the first level; each of the others takes one (s. 4.1).
FIRST_PASSES = 16
# Temperature of confidences, over that of codes; MaskGIT's (arXiv 2202.04200).
# With little noise the surest frames come first, which are the silent ones, and
# others follow them.
CONFIDENCE_NOISE = 4.5


class Pass(NamedTuple):
  """One evaluation of the model.

  Attributes:
    number: Counted over all levels; of the noise.
    level: Level whose codes are filled in.
    hidden: Share of the frames that stay hidden after it, MaskGIT's cosine.
  """

  number: Int[np.ndarray, ' P']
  level: Int[np.ndarray, ' P']
  hidden: Float[np.ndarray, ' P']


def schedule(passes: Sequence[int]) -> Pass:
  """All passes, given how many each level takes."""
  shares = [np.arange(1, count + 1) / count for count in passes]
  hidden = np.cos(np.pi / 2 * np.concatenate(shares)).astype(np.float32)
  # What a cosine leaves of zero would still be a frame of a long clip.
  hidden = np.where(hidden < 1e-6, np.float32(0), hidden)
  level = np.repeat(np.arange(len(passes), dtype=np.int32), passes)
  return Pass(np.arange(len(level), dtype=np.int32), level, hidden)


@executables.jit(static_argnames=('model', 'passes', 'num_given'))
def fill(
    model: SoundStorm,
    params: PyTree,
    semantic: Int[Array, 'B T'],
    acoustic: Int[Array, 'B T Q'],
    known: Bool[Array, 'B T'],
    lengths: Int[Array, ' B'],
    temperature: Float[Array, ''] | float,
    keys: Key[Array, ' B'],
    passes: tuple[int, ...] | None = None,
    num_given: int = 0,
) -> Int[Array, 'B T Q']:
  """Codes of the frames that are not known.

  A row depends on its own frames and key, not on its padding nor on the rest of
  the batch. Each T is compiled: pad to a few lengths.

  Args:
    model: The Conformer.
    params: Its parameters.
    semantic: Ids at the acoustic rate (tokens.frames.at_acoustic_rate).
    acoustic: Codes where they are known; anything elsewhere.
    known: The prompt's frames, which come back as they are.
    lengths: Frames of each row; the others are padding, and come back as 0.
    temperature: Temperature of all passes but the last of a level, which takes
      the most likely codes. It scales the noise on codes, and that on
      confidences, which dies away as frames are filled in; 0 has none.
    keys: One for each row.
    passes: Number of passes of each level; (16, 1, ..., 1) if None.
    num_given: Levels whose codes are given for all frames, as those of a coarse
      stage are; they come back as they are.

  Returns:
    The codes; the prompt's are among them.
  """
  passes = _checked(passes, model.num_quantizers)
  valid = jnp.arange(semantic.shape[1])[None] < lengths[:, None]
  wanted = valid & ~known
  codes = _hide(acoustic, wanted, num_given, model.mask_id)
  # Counted from the prompt's end, noise is the same behind any prompt.
  frames = jnp.arange(semantic.shape[1])[None] - wanted.argmax(axis=-1)[:, None]
  noise = functools.partial(
      _noise, temperature, keys, frames, model.codebook_size
  )

  def take(codes: Array, now: Pass) -> tuple[Array, None]:
    levels = jnp.full(len(codes), now.level)
    logits = model.apply({'params': params}, semantic, codes, lengths, levels)
    # The level is traced, so that one body of the scan serves all; a Python
    # loop would be compiled once for every pass.
    at_level = codes[..., now.level]
    # What a pass has uncovered stays (MaskGIT). A level that was given has
    # nothing masked: its passes run and change nothing, and later ones keep
    # their numbers, and so their noise.
    masked = wanted & (at_level == model.mask_id)
    at_level = _uncover(logits, noise(now), at_level, masked, wanted, now)
    return codes.at[..., now.level].set(at_level), None

  codes, _ = jax.lax.scan(take, codes, schedule(passes))
  return jnp.where(valid[..., None], codes, 0)


def _checked(
    passes: tuple[int, ...] | None, num_levels: int
) -> tuple[int, ...]:
  if passes is None:
    return (FIRST_PASSES,) + (1,) * (num_levels - 1)
  if len(passes) != num_levels or min(passes) < 1:
    raise ValueError(
        f'passes={passes} are not one number or more for each of'
        f' {num_levels} levels.'
    )
  return passes


def _hide(
    acoustic: Int[Array, 'B T Q'],
    wanted: Bool[Array, 'B T'],
    num_given: int,
    mask_id: int,
) -> Int[Array, 'B T Q']:
  """Codes to begin with: masks stand where codes are wanted and not given."""
  given = jnp.arange(acoustic.shape[-1]) < num_given
  hidden = wanted[..., None] & ~given[None, None]
  return jnp.where(hidden, mask_id, acoustic)


def _uncover(
    logits: Float[Array, 'B T K'],
    noise: Float[Array, 'B T K1'],
    codes: Int[Array, 'B T'],
    masked: Bool[Array, 'B T'],
    wanted: Bool[Array, 'B T'],
    now: Pass,
) -> Int[Array, 'B T']:
  """A level's codes after a pass: the surest of the masked ones are known."""
  found = (logits + noise[..., :-1]).argmax(axis=-1)
  confidence = jnp.take_along_axis(
      jax.nn.log_softmax(logits), found[..., None], axis=-1
  )[..., 0]
  confidence += CONFIDENCE_NOISE * now.hidden * noise[..., -1]
  # The least sure are hidden again, so what is known must come last.
  confidence = jnp.where(masked, confidence, jnp.inf)
  # A share of all frames that are made, not of those left: the cosine is over
  # the whole level. In the last pass it is 0, so that no mask is left below a
  # level that comes later.
  num_hidden = jnp.floor(now.hidden * wanted.sum(axis=-1)).astype(jnp.int32)
  stays = masked & (_ranks(confidence) < num_hidden[:, None])
  return jnp.where(masked & ~stays, found, codes)


def _noise(
    temperature: Float[Array, ''] | float,
    keys: Key[Array, ' B'],
    frames: Int[Array, 'B T'],
    codebook_size: int,
    now: Pass,
) -> Float[Array, 'B T K1']:
  """Noise of each code, and of the confidence; a level's last pass has none."""
  size = codebook_size + 1
  return jax.lax.cond(
      now.hidden == 0,
      lambda: jnp.zeros((*frames.shape, size)),
      lambda: temperature * _gumbel(keys, now.number, frames, size),
  )


def _ranks(values: Float[Array, 'B T']) -> Int[Array, 'B T']:
  """Place of each value among those of its row, from the least on."""
  return values.argsort(axis=-1).argsort(axis=-1)


def _gumbel(
    keys: Key[Array, ' B'],
    number: Int[Array, ''],
    frames: Int[Array, 'B T'],
    size: int,
) -> Float[Array, 'B T K']:
  """Noise of each frame, whatever the others are."""

  def draw(key: Key[Array, ''], frame: Int[Array, '']) -> Float[Array, ' K']:
    return jax.random.gumbel(jax.random.fold_in(key, frame), (size,))

  # A key for each frame: drawn as one array, noise would change with the
  # padding that a row was given.
  fold_in = jax.vmap(jax.random.fold_in, in_axes=(0, None))
  return jax.vmap(jax.vmap(draw, in_axes=(None, 0)))(
      fold_in(keys, number), frames
  )
