"""One step of sampling: every row of a batch draws the id of one place."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from audiolm_jax.lm.sampling import network
from audiolm_jax.lm.sampling.kv_cache import Cache
from audiolm_jax.lm.sampling.methods import choose
from audiolm_jax.lm.sampling.network import Weights
from audiolm_jax.lm.transformer import Transformer
from audiolm_jax.tokens.fields import EOS, PAD


class Track(NamedTuple):
  """The places of a batch, from the first of the prompts on.

  Attributes:
    positions: Positions of each place.
    valid: True at places where a row has an id or will have one.
    first: The first id that may be drawn at a place.
    may_end: Whether EOS may be drawn there, too.
  """

  positions: Int[Array, 'G S']
  valid: Bool[Array, 'B S']
  first: Int[Array, ' S']
  may_end: Bool[Array, ' S']


class Program(NamedTuple):
  """The settings that drawing is compiled for, besides shapes.

  Attributes:
    model: The sizes.
    num_candidates: Ids from `first` on that may be drawn.
    ends: Whether EOS may be drawn anywhere.
    top_k: Number of likeliest ids that may be drawn; 0 for all.
    top_p: Joint probability of the likeliest ids that may be drawn; 1 for all.
    growth: Places that the cache grew by, which may be drawn.
  """

  model: Transformer
  num_candidates: int
  ends: bool
  top_k: int
  top_p: float
  growth: int


class State(NamedTuple):
  """The state that a step hands to the next.

  Attributes:
    token: Last id of each row.
    done: Rows that have ended.
    caches: Caches of each layer.
  """

  token: Int[Array, ' B']
  done: Bool[Array, ' B']
  caches: list[Cache]


def sample_step(
    program: Program,
    weights: Weights,
    state: State,
    track: Track,
    place: Int[Array, ''],
    keys: Key[Array, ' B'],
    temperature: Float[Array, ''],
) -> State:
  """Draws the ids of one place."""
  query = jax.lax.dynamic_slice_in_dim(track.positions, place, 1, axis=1)
  bias = network.distance_bias(weights, query, track.positions)[:, :, 0]
  # The cache is longer than what it holds: places that are still empty are
  # hidden with those that padding fills.
  past = jnp.arange(track.valid.shape[1]) <= place
  bias = jnp.where((track.valid & past[None])[:, None], bias, -jnp.inf)
  x, caches = network.step(
      program.model, weights, state.token, bias, state.caches, place
  )
  # One table holds the ids of all fields; only those of the field whose turn it
  # is are scored.
  first, may_end = track.first[place], track.may_end[place]
  logits = _logits(program, weights, x, first, may_end)
  choice = choose(logits, keys, temperature, program.top_k, program.top_p)
  # The place behind all candidates is that of EOS (_logits).
  token = jnp.where(choice < program.num_candidates, first + choice, EOS)
  # A row that has ended goes on as PAD: all rows of a batch step together.
  token = jnp.where(state.done, PAD, token)
  return State(token, state.done | (token == EOS), caches)


def _logits(
    program: Program,
    weights: Weights,
    x: Float[Array, 'B D'],
    first: Int[Array, ''],
    may_end: Bool[Array, ''],
) -> Float[Array, 'B _']:
  """Logits of the ids from `first` on and, where rows may end, of EOS."""
  # A slice that would leave the table is moved back into it without an error,
  # and other ids would be scored: all `size` of Candidates have to be in the
  # vocabulary, as those of a field are.
  rows = jax.lax.dynamic_slice_in_dim(
      weights.embedding, first, program.num_candidates
  )
  logits = network.logits(x, rows)
  if not program.ends:
    return logits
  end = network.logits(x, weights.embedding[EOS : EOS + 1])
  end = jnp.where(may_end, end, -jnp.inf)
  return jnp.concatenate([logits, end], axis=1)
