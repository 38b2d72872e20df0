"""Draws ids from a Transformer: prefill, then a scan over a cache."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key, PyTree

from audiolm_jax.attention import Cache
from audiolm_jax.lm.transformer import Transformer
from audiolm_jax.tokens.fields import EOS, PAD


class State(NamedTuple):
  """What a step hands to the next.

  Attributes:
    token: Last id of each row.
    done: Rows that have ended.
    caches: Of each layer.
  """

  token: Int[Array, ' B']
  done: Bool[Array, ' B']
  caches: list[Cache]


@functools.partial(jax.jit, static_argnames=('model', 'growth'))
def sample(
    model: Transformer,
    params: PyTree,
    prefix_ids: Int[Array, 'B P'],
    prefix_segments: Int[Array, 'B P'],
    positions: Int[Array, ' L'],
    allowed: Bool[Array, 'S V'],
    temperature: Float[Array, ''] | float,
    keys: Key[Array, ' B'],
    growth: int = 512,
) -> Int[Array, 'B S']:
  """Samples S ids behind a prefix; L = P + S.

  A row depends on its own prefix and key, not on the rest of the batch.

  Args:
    model: The Transformer.
    params: Its parameters.
    prefix_ids: What the ids follow; P may be 0.
    prefix_segments: 1 where the prefix holds, 0 where it is padding.
    positions: Of the prefix and of the samples.
    allowed: Which ids may stand at each sampled place.
    temperature: 0 takes the most likely id.
    keys: One for each row.
    growth: Places by which the cache grows. A step reads all of it, used or
      not, and every size is compiled.

  Returns:
    The ids; PAD after EOS, which ends a row where it is allowed.
  """
  num_prefix, num_samples = prefix_ids.shape[1], len(allowed)
  # Shifted right: each input is the id before its place. The last one is
  # prefilled too, though a step will repeat it, so that P may be 0.
  inputs = jnp.pad(prefix_ids, ((0, 0), (1, 0)), constant_values=PAD)
  valid = jnp.pad(
      prefix_segments > 0, ((0, 0), (0, num_samples)), constant_values=True
  )
  filled = slice(num_prefix + 1)
  caches = model.apply(
      {'params': params},
      inputs,
      positions[filled],
      valid[:, filled].astype(jnp.int32),
      method='prefill',
  )

  def step(
      state: State, place: tuple[Int[Array, ''], Bool[Array, ' V']]
  ) -> tuple[State, Int[Array, ' B']]:
    index, allowed_here = place
    seen = slice(state.caches[0].keys.shape[2])
    visible = valid[:, seen] & (jnp.arange(seen.stop) <= index)[None]
    logits, caches = model.apply(
        {'params': params},
        state.token,
        index,
        positions[seen],
        visible,
        state.caches,
        method='step',
    )
    scores = logits + temperature * _gumbel(keys, index, logits.shape[-1])
    token = jnp.where(allowed_here[None], scores, -jnp.inf).argmax(axis=-1)
    token = jnp.where(state.done, PAD, token)
    return State(token, state.done | (token == EOS), caches), token

  state = State(inputs[:, -1], jnp.zeros(len(inputs), bool), caches)
  samples = []
  for start in range(0, num_samples, growth):
    end = min(start + growth, num_samples)
    state = state._replace(caches=_grow(state.caches, num_prefix + end))
    places = num_prefix + jnp.arange(start, end), allowed[start:end]
    state, tokens = jax.lax.scan(step, state, places)
    samples.append(tokens)
  return jnp.concatenate(samples).T


def _gumbel(
    keys: Key[Array, ' B'], index: Int[Array, ''], size: int
) -> Float[Array, 'B V']:
  """Noise whose argmax, with logits added, is a sample."""

  def draw(key: Key[Array, '']) -> Float[Array, ' V']:
    return jax.random.gumbel(jax.random.fold_in(key, index), (size,))

  return jax.vmap(draw)(keys)


def _grow(caches: list[Cache], length: int) -> list[Cache]:
  """Appends empty places."""
  more = length - caches[0].keys.shape[2]
  padding = ((0, 0), (0, 0), (0, more), (0, 0))
  return jax.tree.map(lambda leaf: jnp.pad(leaf, padding), caches)
